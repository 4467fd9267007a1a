"""Bodies of responses: the model card and health."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, Field

from off_tanet.types import ModelCard


class ModelBody(BaseModel):
    """The model card, which is read from the model file."""

    name: str
    version: str
    classes: list[str]
    input: str
    parameters: int
    expressive_parameters: int | None = Field(
        description="Parameters of the head for `expressive`, which are not among `parameters`."
    )
    licence: str
    training_data: str
    preprocessing: dict[str, object] = Field(description="How the graph processes the flow.")
    training: dict[str, object] = Field(description="Configuration of the training.")
    scores: dict[str, object] = Field(description="Measured scores, by data set and protocol.")
    limits: str = Field(description="What the model cannot do.")
    responsible_use: str = Field(description="What the model must not be used for.")
    flow_build: str = Field(description="The build of the flow kernel that runs on this processor.")

    @classmethod
    def of(cls, card: ModelCard, flow_build: str) -> Self:
        """Create the body from the metadata of the model file."""
        return cls(
            name=card.name,
            version=card.version,
            classes=list(card.classes),
            input=card.input,
            parameters=card.parameters,
            expressive_parameters=card.expressive_parameters,
            licence=card.licence,
            training_data=card.training_data,
            preprocessing=dict(card.preprocessing),
            training=dict(card.training),
            scores=dict(card.scores),
            limits=card.limits,
            responsible_use=card.responsible_use,
            flow_build=flow_build,
        )


class HealthBody(BaseModel):
    """The state of the service."""

    status: Literal["live", "ready"]
