import { addTranslation } from "media-chrome/dist/utils/i18n.js";

// What the player's own controls say in Dutch; it brings English and German itself.
addTranslation("nl", {
  play: "afspelen",
  pause: "pauzeren",
  mute: "geluid uit",
  unmute: "geluid aan",
  seek: "naar een moment gaan",
  volume: "volume",
  "playback time": "tijd",
  "media loading": "laden",
  "audio player": "audiospeler",
  "video player": "videospeler",
  "enter fullscreen mode": "volledig scherm",
  "exit fullscreen mode": "volledig scherm verlaten",
  "enter picture in picture mode": "beeld in beeld",
  "exit picture in picture mode": "beeld in beeld verlaten",
  "{currentTime} of {totalTime}": "{currentTime} van {totalTime}",
  "video not loaded, unknown time.": "niet geladen, tijd onbekend.",
  hour: "uur",
  hours: "uur",
  minute: "minuut",
  minutes: "minuten",
  second: "seconde",
  seconds: "seconden",
});
