// What the service's words mean to people.

const PROBLEMS = {
  no_face: [
    "No face was found",
    "Use one in which a face is seen from the front. Of a tight face crop say so under Options.",
  ],
  unsupported_media_type: [
    "This kind of file cannot be read",
    "Pictures may be PNG, JPEG, WebP, BMP or TIFF; clips MP4, MOV, AVI, WebM, MKV or GIF.",
  ],
  undecodable_media: [
    "The file could not be read",
    "It may be damaged or cut off. Try to export it again.",
  ],
  limit_exceeded: [
    "This is more than the service takes",
    "Trim the clip, or make it smaller, and try again.",
  ],
  too_few_frames: ["The clip is too short", "It needs at least two frames."],
  frame_sizes_differ: [
    "Onset and apex are of different sizes",
    "Take both from the same recording, without cropping them apart.",
  ],
  onset_not_before_apex: ["The onset has to come before the apex", "Move one of the two."],
  frame_index_out_of_range: [
    "The clip has no such frame",
    "Choose a frame that lies on the curve.",
  ],
  unauthorized: ["The service asks for an API key", "Put yours in the field below and try again."],
  quota_exceeded: ["Your quota is used up", "It fills again after a while."],
  warming_up: ["The service is still starting", "Try again in a moment."],
  draining: ["The service is about to stop", "Try again in a moment."],
  queue_full: ["The service is busy", "It has more work than it can take on right now."],
  no_worker: ["The service cannot work right now", "Whoever runs it must look at it; try again later."],
  worker_lost: ["The service lost this work", "Try again; a smaller file may help."],
  too_much_memory: ["This takes more memory than the service gives", "Make it smaller, and try again."],
  deadline_exceeded: ["It took too long and was stopped", "A shorter or smaller clip is quicker."],
  connection_lost: [
    "The connection was lost",
    "Check that the service is running and reachable, and that the file is not very large.",
  ],
  slow_request: [
    "The upload took too long",
    "Try again over a faster connection, or with a smaller file.",
  ],
  cancelled: ["Cancelled", "The service has stopped working on it."],
  not_found: ["The service cannot do this", "It may be an older version."],
  no_file: ["Nothing is chosen yet", "Choose a file for each field first, or use the sample."],
  no_camera: [
    "The camera cannot be used",
    "Allow it in the browser, and check that no other program holds it.",
  ],
};

const WARNINGS = {
  no_motion: "The face hardly moves between onset and apex: the classes mean nothing here.",
  low_motion: "The motion is weak: the classes are hard to tell apart.",
  large_head_motion: "The head moves much, which can pass for an expression.",
  weak_apex: "No clear peak stands out: check where the apex lies.",
  several_faces: "There are several faces; the largest was taken.",
  small_face: "The face is small in the picture: fine motion is lost.",
  cut: "The two frames seem to show different scenes.",
  turned_head: "The head is turned away from the camera.",
  occluded: "Something lies before the face.",
  blink: "The eyes close between onset and apex.",
  face_lost: "The face cannot be seen in all frames.",
  light_change: "The light changes between onset and apex: it can pass for motion.",
  damaged_video: "Part of the video is damaged: it was left out, or may not be what was taken.",
  damaged_image: "One of the pictures is damaged: what moves may be the damage.",
};

const STAGES = {
  decode: "Reading the frames",
  face: "Finding the face",
  spotting: "Measuring the motion",
  watching: "Looking for expressions",
  recognition: "Recognising",
};

const CLASSES = ["negative", "positive", "surprise"];

/** A problem as a title and an advice. */
export function problem(code) {
  const [title, advice] = PROBLEMS[code] ?? [
    "Something went wrong",
    "Try again; if it happens again, pass the request's identifier on.",
  ];
  return { title, advice };
}

export function warning(word) {
  return WARNINGS[word] ?? word.replaceAll("_", " ");
}

export function stage(name) {
  return STAGES[name] ?? name;
}

/** The classes with their probabilities, in one order for all answers. */
export function scores(probabilities) {
  return CLASSES.map((name) => [name, probabilities[name]]);
}

/** A frame's place, as `frame 13, 0.108 s`. */
export function moment({ index, time_s }) {
  return `frame ${index}, ${time_s.toFixed(3)} s`;
}
