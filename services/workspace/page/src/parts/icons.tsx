import type { ComponentChildren } from "preact";

const icon = (content: ComponentChildren, filled = false) => () => (
  <svg
    class="icon"
    viewBox="0 0 24 24"
    width="20"
    height="20"
    aria-hidden="true"
    fill={filled ? "currentColor" : "none"}
    stroke={filled ? "none" : "currentColor"}
    stroke-width="1.8"
    stroke-linecap="round"
    stroke-linejoin="round"
  >
    {content}
  </svg>
);

export const PlayIcon = icon(<path d="M8 5.5v13a.6.6 0 0 0 .92.5l10-6.5a.6.6 0 0 0 0-1l-10-6.5A.6.6 0 0 0 8 5.5Z" />, true);
export const SearchIcon = icon(
  <>
    <circle cx="11" cy="11" r="6.5" />
    <path d="m20 20-4.2-4.2" />
  </>,
);
export const MenuIcon = icon(
  <>
    <circle cx="12" cy="8" r="3.5" />
    <path d="M5 20c.8-3.6 3.6-5.5 7-5.5s6.2 1.9 7 5.5" />
  </>,
);
export const LinkIcon = icon(
  <>
    <path d="M10 14a4 4 0 0 0 5.7 0l3-3a4 4 0 0 0-5.7-5.700l-1 1" />
    <path d="M14 10a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.700l1-1" />
  </>,
);
export const UploadIcon = icon(
  <>
    <path d="M12 16V5M7.5 9.5 12 5l4.5 4.5" />
    <path d="M5 19h14" />
  </>,
);
export const PenIcon = icon(<path d="M5 19l1-4L16.5 4.500a1.8 1.8 0 0 1 2.6 0l.4.4a1.8 1.8 0 0 1 0 2.600L9 18l-4 1Z" />);
export const MicIcon = icon(
  <>
    <rect x="9" y="3.5" width="6" height="11" rx="3" />
    <path d="M5.5 11.500a6.5 6.5 0 0 0 13 0M12 18v3" />
  </>,
);
export const CameraIcon = icon(
  <>
    <rect x="3" y="6.5" width="12.5" height="11" rx="2.5" />
    <path d="m15.5 10.5 5.5-3v9l-5.5-3" />
  </>,
);
export const ScreenIcon = icon(
  <>
    <rect x="3" y="4.5" width="18" height="12.500" rx="2" />
    <path d="M8.500 20.5h7" />
  </>,
);
export const CornerIcon = icon(
  <>
    <rect x="3" y="4.5" width="18" height="15" rx="2" />
    <rect x="13" y="12.5" width="5.500" height="4.500" rx="1" fill="currentColor" />
  </>,
);
export const CloseIcon = icon(<path d="m6.5 6.500 11 11m0-11-11 11" />);
export const CommentIcon = icon(<path d="M5 5h14a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1h-7l-4.5 4v-4H5a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1Z" />);
export const SkipIcon = icon(
  <>
    <path d="M4 9v6M8 6v12M16 6v12M20 9v6" />
    <path d="M11.500 12h1" strokeDasharray="1 2" />
  </>,
);
export const UpIcon = icon(<path d="m6 15 6-6 6 6" />);
export const DownIcon = icon(<path d="m6 9 6 6 6-6" />);
export const BackIcon = icon(<path d="m14.5 6-6 6 6 6" />);
