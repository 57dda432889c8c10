import { useEffect, useRef } from "preact/hooks";
import { copy } from "../clipboard";
import { text } from "../i18n";

/** A secret that is shown once, to copy; the focus goes there. */
export function Once({ label, value, help, rows = 1 }: { label: string; value: string; help?: string; rows?: number }) {
  const t = text.value.settings;
  const field = useRef<HTMLTextAreaElement & HTMLInputElement>(null);
  const select = () => {
    field.current?.focus();
    field.current?.select();
  };
  useEffect(select, [value]);
  const shared = { ref: field, value, readOnly: true, spellcheck: false, class: "secret" };
  return (
    <div class="once">
      <label>
        {label}
        {rows > 1 ? <textarea {...shared} rows={rows} /> : <input {...shared} />}
      </label>
      <button
        type="button"
        class="button quiet small"
        onClick={() => void copy(value, t.copied, select)}
      >
        {t.copy}
      </button>
      <p class="faint">{help ?? t.once}</p>
    </div>
  );
}
