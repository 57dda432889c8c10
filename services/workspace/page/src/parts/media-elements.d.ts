import "preact";

type MediaElement = preact.JSX.HTMLAttributes<HTMLElement> & Record<string, unknown>;

declare module "preact" {
  namespace JSX {
    interface IntrinsicElements {
      "media-controller": MediaElement;
      "media-control-bar": MediaElement;
      "media-play-button": MediaElement;
      "media-mute-button": MediaElement;
      "media-time-range": MediaElement;
      "media-time-display": MediaElement;
      "media-pip-button": MediaElement;
      "media-fullscreen-button": MediaElement;
      "media-loading-indicator": MediaElement;
    }
  }
}
