/** As a `ref`: what appears takes the focus. Another function with every drawing would take it every time. */
export const takeFocus = (element: HTMLElement | null): void => element?.focus();
