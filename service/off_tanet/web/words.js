// Texts for the codes, warnings and stages of the service.

const PROBLEMS = {
  no_face: [
    "No face was found",
    "Use a picture of a face from the front. For tight face crops, set the box under Options.",
  ],
  unsupported_media_type: [
    "This kind of file cannot be read",
    "Pictures may be PNG, JPEG, WebP, BMP or TIFF; clips MP4, MOV, AVI, WebM, MKV or GIF.",
  ],
  undecodable_media: [
    "The file could not be read",
    "It may be damaged or incomplete. Try to export it again.",
  ],
  limit_exceeded: [
    "The file is over a limit of the service",
    "Trim the clip or make it smaller, and try again.",
  ],
  too_few_frames: ["The clip is too short", "It needs at least two frames."],
  frame_sizes_differ: [
    "Onset and apex have different sizes",
    "Take both from the same recording, without cropping them separately.",
  ],
  onset_not_before_apex: ["The onset must be before the apex", "Move one of them."],
  frame_index_out_of_range: [
    "The clip has no such frame",
    "Choose a frame on the curve.",
  ],
  unauthorized: ["The service requires an API key", "Enter yours under Options and try again."],
  quota_exceeded: ["Your quota is used up", "It is renewed after a while."],
  warming_up: ["The service is still starting", "Try again in a moment."],
  draining: ["The service is about to stop", "Try again in a moment."],
  queue_full: ["The service is busy", "Its queue is full. Try again later."],
  no_worker: ["The service has no worker process", "Try again later, or contact its operator."],
  worker_lost: ["The work was interrupted", "Try again. A smaller file may help."],
  too_much_memory: ["This file needs too much memory", "Make it smaller and try again."],
  deadline_exceeded: ["The work took too long and was stopped", "Try a shorter or smaller clip."],
  connection_lost: [
    "The connection was lost",
    "Check that the service is running and reachable, and that the file is not very large.",
  ],
  slow_request: [
    "The upload took too long",
    "Try again over a faster connection, or with a smaller file.",
  ],
  cancelled: ["Cancelled", "The service has stopped the work."],
  not_found: ["The service does not have this function", "It may be an older version."],
  no_file: ["No file is chosen", "Choose a file for each field, or use the sample."],
  no_camera: [
    "The camera cannot be used",
    "Allow it in the browser, and check that no other program uses it.",
  ],
};

const WARNINGS = {
  no_motion: "The face hardly moves between onset and apex: the classes have no meaning.",
  low_motion: "The motion is weak: the classes are hard to distinguish.",
  large_head_motion: "The head moves a lot, which can look like an expression.",
  weak_apex: "The motion has no clear peak: check the apex.",
  several_faces: "There are several faces; the largest was used.",
  small_face: "The face is small: fine motion is lost.",
  cut: "The two frames seem to show different scenes.",
  turned_head: "The head is turned away from the camera.",
  occluded: "Something covers a part of the face.",
  blink: "The eyes close between onset and apex.",
  face_lost: "The face was not found in all frames.",
  speech: "The person seems to speak: motion of the mouth is not an expression.",
  low_frame_rate: "There are few frames per second: the times are coarse.",
  dark: "The face is dark: its motion is underestimated.",
  backlit: "The face is dark in front of bright surroundings.",
  light_change: "The light changes between onset and apex, which can look like motion.",
  damaged_video: "Part of the video is damaged: it was left out, or may differ from the original.",
  damaged_image: "A picture is damaged: the damage may look like motion.",
};

// Why no class is named, in the words of the service, and what helps.
const REASONS = {
  different_scenes: [
    "The two frames show different scenes or people.",
    "Take both from one recording of one person.",
  ],
  occluded: [
    "Something covers a part of the face.",
    "Record the face without a hand, hair or a mask in front of it.",
  ],
  blink_only: ["Only the eyelids move.", "Choose an apex with open eyes."],
  head_motion: [
    "The head moves, but the face hardly does.",
    "Choose onset and apex nearer to each other, or record with a still head.",
  ],
  no_motion: [
    "The face hardly moves.",
    "Choose an apex at which the face has moved, or record more closely.",
  ],
  speech: ["The mouth moves as in speech.", "Choose a moment at which the person is silent."],
  too_long: [
    "The motion takes longer than an expression.",
    "Choose an onset nearer to the apex.",
  ],
  unsure: [
    "No class is likely enough.",
    "A clearer recording may help: a larger face, more light, more frames per second.",
  ],
};

const STAGES = {
  decode: "Reading the frames",
  face: "Finding the face",
  spotting: "Measuring the motion",
  recognition: "Recognising",
};

/** Returns the title and the advice for a problem code. */
export function problem(code) {
  const [title, advice] = PROBLEMS[code] ?? [
    "Something went wrong",
    "Try again. If it happens again, report the request's identifier.",
  ];
  return { title, advice };
}

export function warning(word) {
  return WARNINGS[word] ?? word.replaceAll("_", " ");
}

/** Returns why no class is named, and what helps. */
export function reason(word) {
  const [text, advice] = REASONS[word] ?? [word.replaceAll("_", " "), ""];
  return { text, advice };
}

/** Returns the label with its probability, or why there is none. */
export function verdict({ label, reason: word, probabilities }) {
  if (label === null) return `none: ${word.replaceAll("_", " ")}`;
  return `${label} ${probabilities[label].toFixed(2)}`;
}

export function stage(name) {
  return STAGES[name] ?? name;
}

/** Formats a frame's position, such as `frame 13, 0.108 s`. */
export function moment({ index, time_s }) {
  return `frame ${index}, ${time_s.toFixed(3)} s`;
}
