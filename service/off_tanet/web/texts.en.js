// Every English text of the page, and nothing else. For another language, copy this file, translate
// its strings and add the language to `language.js`. Names in braces are filled in.

/** Title and advice for each problem code of the service and of this page. */
export const problems = {
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
  proxy_limit: [
    "A server on the way refused the file as too large",
    "A proxy in front of the service has a smaller limit than the service itself. Make the file smaller, or ask the operator to raise the proxy's limit.",
  ],
  too_few_frames: ["The clip is too short", "It needs at least two frames."],
  frame_sizes_differ: [
    "Onset and apex have different sizes",
    "Take both from the same recording, without cropping them separately.",
  ],
  onset_not_before_apex: ["The onset must be before the apex", "Move one of them."],
  frame_index_out_of_range: ["The clip has no such frame", "Choose a frame on the curve."],
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
  not_found: ["The service does not have this function", "It may be an older version."],
  no_file: ["No file is chosen", "Choose a file for each field, or try an example."],
  too_many_files: [
    "These files are too many for one answer",
    "Two frames are one onset and one apex. Several pairs need names that differ only in “onset” and “apex”, such as a_onset.png and a_apex.png.",
  ],
  mixed_files: [
    "These files do not go together",
    "Choose two pictures, or one or more clips, but not both at once.",
  ],
  several_videos: ["Only one long video at a time", "Several short clips can be analysed at once."],
  file_too_large: [
    "The file is larger than the service accepts",
    "Trim it, or export it with fewer pixels.",
  ],
  clip_too_long: [
    "This clip is longer than a clip may be",
    "Choose “A long video” above, or trim it.",
  ],
  video_too_long: ["This video is longer than the service accepts", "Cut it into parts."],
  no_stream: [
    "The live stream could not be opened",
    "Check that the service is running. A proxy on the way may not pass WebSockets on, or the service may be an older version. A recording works without them.",
  ],
  streams_off: ["The service has no live streams", "Record three seconds instead."],
  stream_no_face: [
    "No face was seen",
    "Look into the camera from the front, with light on your face.",
  ],
  stream_idle: [
    "No pictures came from the camera",
    "What was found so far is shown. Keep this page in view, and start again.",
  ],
  stream_too_long: [
    "The live stream has reached its limit",
    "What was found so far is shown. Start again to go on.",
  ],
  no_camera: [
    "The camera cannot be used",
    "Allow it in the browser, and check that no other program uses it.",
  ],
  insecure_camera: [
    "Browsers open a camera only over HTTPS",
    "This page was loaded over plain HTTP. Open it by its https:// address, or on the machine of the service by http://localhost.",
  ],
};

/** What to show for a problem without a text of its own. */
export const unknownProblem = [
  "Something went wrong",
  "Try again. If it happens again, report the request's identifier.",
];

export const warnings = {
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

/** Why no class is named, in the words of the command line, and what helps. */
export const reasons = {
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
  too_long: ["The motion takes longer than an expression.", "Choose an onset nearer to the apex."],
  unsure: [
    "No class is likely enough.",
    "A clearer recording may help: a larger face, more light, more frames per second.",
  ],
};

/** The reasons in a word or two, for lists. */
export const shortReasons = {
  different_scenes: "different scenes",
  occluded: "face covered",
  blink_only: "blink only",
  head_motion: "head motion",
  no_motion: "no motion",
  speech: "speech",
  too_long: "too long",
  unsure: "unsure",
};

export const stages = {
  decode: "Reading the frames",
  face: "Finding the face",
  spotting: "Measuring the motion",
  recognition: "Recognising",
};

export const classes = { negative: "negative", positive: "positive", surprise: "surprise" };

export const kinds = { micro: "micro", macro: "macro" };

export const events = {
  blink: "blink",
  speech: "speech",
  head_turn: "turned head",
  face_lost: "no face",
};

/** Why seconds of a video were not judged. */
export const causes = {
  face_lost: "no face",
  cut: "cut",
  occluded: "face covered",
  turned_head: "turned head",
  speech: "speech",
};

/** The texts of index.html, which repeats the English ones. */
export const page = {
  skip: "Skip to the result",
  tagline:
    "Measures how a face moved between onset and apex, and which class of micro-expression the motion resembles, if any.",
  language: "Language",
  input: "Input",
  kind: "What do you have?",
  frames: "Two frames",
  clip: "A clip",
  video: "A long video",
  camera: "A camera",
  framesHint: "PNG, JPEG, WebP, BMP or TIFF, both of one size.",
  onset: "Onset",
  onsetHint: "The frame at which the face begins to move.",
  apex: "Apex",
  apexHint: "The frame at which it has moved most.",
  clipHint:
    "A few seconds of one face with one expression: MP4, MOV, AVI, WebM, MKV or GIF. Onset (where the face begins to move) and apex (where it has moved most) are found, and can be moved afterwards. Several clips give a table.",
  clipLabel: "Clip",
  videoHint: "An untrimmed recording. Every expression in it is found and listed.",
  videoLabel: "Video",
  cameraHint:
    "Three seconds from this device's camera, without sound. Start with a neutral face. The recording is sent only when you press Analyse; while you watch live, pictures are sent all the time, and none is kept.",
  options: "Options",
  tight: "The pictures are tight face crops: skip face detection",
  key: "API key",
  keyHint: "Needed only if the service requires one. This page forgets it when it is closed.",
  analyse: "Analyse",
  privacy: "Uploads are processed in memory and never stored or logged.",
  cancel: "Cancel",
  noteTitle: "What the scores mean",
  note: "The scores say which class of facial motion the measured motion resembles, according to a small statistical model. They do not show what a person feels, thinks or intends, they do not detect lies, and they must not be used to make decisions about people.",
  law: "In the European Union, inferring emotions of people at work and in education is prohibited (AI Act, Regulation (EU) 2024/1689, Article 5(1)(f)). Other laws may forbid more.",
  dropHere: "Drop the files anywhere on this page",
  docs: "API documentation",
  api: "OpenAPI document",
};

/** The texts that the modules add. */
export const ui = {
  sending: "Sending",
  count: "{done} of {total}",
  cancelled: "Cancelled. The service has stopped the work.",
  detail: "The service says: {detail}",
  request: "Request {id}",
  wait: "Please wait {seconds} s.",
  model: "Model {name} {version}, {licence}, trained on {data}.",
  empty: "The result appears here.",
  tryOne: "No files at hand? Try one of these; the answer appears here.",
  exampleOf: { negative: "A frown", positive: "A smile", surprise: "Raised brows" },
  exampleFrames: "two frames",
  exampleClip: "A clip of raised brows, a quarter of a second",
  exampleVideo: "A video of six seconds with three expressions and two blinks",
  portrait: "Portrait: NASA, public domain; the motion is computed.",
  framesLimit: "Up to {size} together and {pixels} megapixels each.",
  clipLimit: "Up to {size}, {seconds} and {frames} frames.",
  videoLimit: "Up to {size}, {seconds} and {frames} frames.",
  tooLarge: "{name} has {size}; at most {limit} are accepted.",
  tooLong: "{name} lasts {seconds}; at most {limit} are accepted.",
  refusedFiles: "{count} files: {names}",
  seconds: "{count} s",
  minutes: "{count} min",
  megabytes: "{count} MB",
  // the answer
  closest: "Closest class: {label}",
  noLabel: "No expression to name",
  none: "none: {reason}",
  fromTo: "The motion from {onset} to {apex}",
  fromPictures: "The motion from one picture to the other",
  moment: "frame {index}, {time} s",
  probabilities: "Probabilities of the classes",
  conditional: "The classes below would apply only if there were an expression.",
  warnings: "Warnings",
  candidates: "Other candidates",
  useCandidate: "Analyse with these frames:",
  motion: "Motion over time",
  motionAxis: "motion, px at 112 × 112",
  timeAxis: "time, s",
  curve: "Motion curve",
  curveHint:
    "Click on the curve to move the apex, or drag a marker. With the keyboard, select a marker with Tab and move it with the arrow keys. The clip is then analysed again.",
  moved: "Onset or apex were moved by hand.",
  restore: "Back to the frames that were found",
  onset: "onset",
  apex: "apex",
  offset: "offset",
  pixels: "{moment}, {px} pixels",
  onsetTitle: "Onset",
  apexTitle: "Apex",
  firstMotion: "First 1.5 px of motion",
  cropAlt: "The face at this frame, as the model receives it: {name}",
  alternate: "Alternate onset and apex",
  measurements: "Measurements",
  expressionProbability: "Probability of an expression",
  motionOfExpression: "Motion of the expression",
  motionOfHead: "Motion of the head",
  atCrop: "{px} px at 112 × 112",
  face: "Face",
  faceFound: "{width} × {height} pixels, score {score}",
  faceSkipped: "detection skipped",
  milliseconds: "Milliseconds",
  modelName: "Model",
  prediction: "Prediction",
  snippets: "This request as a command and as Python",
  code: "{title} code",
  copy: "Copy {title}",
  copied: "Copied",
  insecureCopy: "Browsers copy only over HTTPS; the text is selected instead: press Ctrl+C or ⌘C.",
  // pictures and their legends
  flow: "Flow, as colours",
  flowLegend: "full colour: {px} px at 112 × 112; hue: the direction in which the skin moves",
  arrows: "Flow, as arrows",
  arrowsLegend: "longest arrow: {px} px at 112 × 112, from the onset towards the apex",
  strain: "Strain",
  strainLegend: "0 to {percent} per cent",
  attention: "Attention",
  attentionLegend: "least to most attention of the network",
  alt: {
    flow: "Optical flow from onset to apex in the Middlebury colour wheel",
    arrows: "The same flow as arrows over the face at the onset",
    strain: "How much the skin is stretched, compressed and sheared; brighter means more",
    attention: "The network's attention over the face at the apex; brighter means more",
  },
  // to take away
  save: "Save",
  saveAs: "Save as {format}",
  saveAll: "Save all",
  saveAllAs: "Save all as {format}",
  reportTitle: "Off-TANet report",
  reportFile: "File: {name}",
  // long videos
  expressions: "Expressions",
  expressionsSoFar: "{count} so far",
  expressionCount: { one: "1 expression", other: "{count} expressions", zero: "No expressions" },
  videoSummary: "{found} in {seconds} s of video",
  unjudged: "not judged: {list}",
  confidence: "{kind}, confidence {value}",
  timeline: "Timeline",
  timelineHint: "Click on the timeline to move the player; click on an expression to see it.",
  player: "The video",
  playerHint: "This browser cannot play the video; the times are those of the file.",
  lane: { expressions: "expressions", speech: "speech", blink: "blinks", other: "other" },
  eventSpan: "{kind}, {from} to {to}",
  otherEvents: "{count} other events",
  showExpression: "Show {label}, {from} to {to}",
  thumbnail: "The face at {moment}",
  // several files
  batch: "Several files",
  batchCount: "{done} of {total} files answered",
  file: "File",
  label: "Label",
  when: "Onset to apex",
  warningsColumn: "Warnings",
  waiting: "waiting",
  working: "working",
  showFile: "Show {name}",
  sortBy: "Sort by {column}",
  // camera
  openCamera: "Open the camera",
  opening: "Opening the camera",
  preview: "Camera preview",
  playback: "The recording",
  live: "{width} × {height} pixels, {fps} frames a second",
  record: "Record 3 seconds",
  countdown: "Recording starts in {seconds}",
  recording: "Recording: {seconds} s left",
  recorded: "Recorded {seconds} s. Look at it, then press Analyse.",
  again: "Record again",
  saveRecording: "Save the recording",
  watch: "Watch live",
  stopWatching: "Stop watching",
  liveName: "live",
  liveTitle: "Live",
  liveStarting: "Starting",
  liveLooking: "Looking for a face",
  liveFollowing: "Following the face",
  liveEnded: "Ended",
  liveNumbers: "{fps} frames a second, {dropped} left out",
  liveCurve: "Motion of the face in the last {seconds} seconds",
  liveHint:
    "The curve is a first estimate. An expression is listed 4 to 20 seconds after its end, or when you stop.",
  slowCamera: "Below 50 frames a second the times are coarse; more light often helps.",
};
