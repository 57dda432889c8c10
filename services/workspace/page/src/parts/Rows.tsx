import type { JSX } from "preact";
import type { Resource } from "../resource";
import { Loading, Trouble } from "./states";

type Props<T> = { of: Resource<readonly T[]>; row: (each: T) => JSX.Element; none?: string };

/** A list of what the server has: on its way, in trouble, empty, or a row for each. */
export function Rows<T>({ of: { data, problem, reload }, row, none }: Props<T>) {
  if (data === null) return problem === null ? <Loading /> : <Trouble problem={problem} retry={reload} />;
  if (data.length === 0) return none === undefined ? null : <p class="faint">{none}</p>;
  return <ul class="rows">{data.map(row)}</ul>;
}
