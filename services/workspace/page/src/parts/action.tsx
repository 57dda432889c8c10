// What a person sets off: busy while it runs, a sentence when it fails, a question before what cannot be undone.
import { useSignal, type Signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useId, useRef } from "preact/hooks";
import { announce } from "../announce";
import { Problem } from "../api/client";
import { text } from "../i18n";

export type Action = {
  isBusy: Signal<boolean>;
  problem: Signal<Problem | null>;
  /** True if it worked; says `done` then. A second one while the first runs does nothing. */
  run: (act: () => Promise<unknown>, done?: string) => Promise<boolean>;
};

export function useAction(): Action {
  const isBusy = useSignal(false);
  const problem = useSignal<Problem | null>(null);
  const run = async (act: () => Promise<unknown>, done?: string) => {
    if (isBusy.peek()) return false;
    isBusy.value = true;
    problem.value = null;
    try {
      await act();
      if (done) announce(done);
      return true;
    } catch (error) {
      problem.value = Problem.of(error);
      return false;
    } finally {
      isBusy.value = false;
    }
  };
  return { isBusy, problem, run };
}

/** What a refusal means, in the reader's language where we know it. */
export function explain(problem: Problem): string {
  const { problems, refusals, failed } = text.value;
  return ({ ...problems, ...refusals } as Record<string, string>)[problem.code] ?? (problem.message || failed);
}

/** Say for a moment what went wrong, where there is no place beside what was tried. */
export const complain = (error: unknown): void => announce(explain(Problem.of(error)));

export function Failure({ of: action }: { of: Action }) {
  return action.problem.value && <p class="alarm" role="alert">{explain(action.problem.value)}</p>;
}

type ConfirmProps = {
  label: string;
  /** The label for those who do not see what it stands beside. */
  name?: string;
  question: string;
  help?: string;
  act: () => Promise<unknown>;
  done?: string;
  class?: string;
};

/** A button that asks first and says what will happen. */
export function Confirm({ label, name, question, help, act, done, class: look = "link" }: ConfirmProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  const action = useAction();
  return (
    <>
      <button type="button" class={look} aria-label={name} onClick={() => dialog.current?.showModal()}>
        {label}
      </button>
      <dialog ref={dialog} class="question-sheet" aria-labelledby={heading}>
        <h2 id={heading}>{question}</h2>
        {help && <p>{help}</p>}
        <Failure of={action} />
        <div class="answers">
          <button type="button" class="button quiet" onClick={() => dialog.current?.close()}>
            {text.value.cancel}
          </button>
          <button
            type="button"
            class="button alarming"
            disabled={action.isBusy.value}
            onClick={async () => {
              if (await action.run(act, done)) dialog.current?.close();
            }}
          >
            {label}
          </button>
        </div>
      </dialog>
    </>
  );
}

type FormProps = {
  act: (form: FormData) => Promise<unknown>;
  submit: string;
  done?: string;
  /** Given: the form can be left by a button or Escape. */
  cancel?: () => void;
  class?: string;
  children?: ComponentChildren;
};

/** A small form that says under itself why it did not work. */
export function ActionForm({ act, submit, done, cancel, class: look = "", children }: FormProps) {
  const action = useAction();
  return (
    <form
      class={`action-form ${look}`}
      onSubmit={(event) => {
        event.preventDefault();
        const form = new FormData(event.currentTarget);
        void action.run(() => act(form), done);
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape") cancel?.();
      }}
    >
      {children}
      <div class="form-foot">
        <button class="button" disabled={action.isBusy.value}>
          {submit}
        </button>
        {cancel && (
          <button type="button" class="button quiet" onClick={cancel}>
            {text.value.cancel}
          </button>
        )}
      </div>
      <Failure of={action} />
    </form>
  );
}
