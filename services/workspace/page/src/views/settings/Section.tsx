import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

export function Section({ title, help, children }: { title: string; help?: string; children: ComponentChildren }) {
  const heading = useId();
  return (
    <section aria-labelledby={heading}>
      <h2 id={heading}>{title}</h2>
      {help && <p class="section-help">{help}</p>}
      {children}
    </section>
  );
}
