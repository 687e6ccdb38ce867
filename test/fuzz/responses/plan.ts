import type { Random } from "../random.ts";
import { damagedDelivery, truthfulDelivery } from "./damage.ts";
import type { Deliver } from "./peer.ts";

/** Told of every answer that is damaged: `Fetch`, 13. */
export type Damaged = (api: string, version: number) => void;

/** Damages answers of one API in one version: the first one, and some of those that follow. */
export function damageOf(damagedApi: string, damagedVersion: number, random: Random, onDamage: Damaged): Deliver {
  let damageLeft = 1 + random.below(4);
  return ({ api, version, frame }) => {
    if (api !== damagedApi || version !== damagedVersion || damageLeft === 0)
      return { chunks: [frame], ending: "go on" };
    damageLeft--;
    onDamage(api, version);
    return damagedDelivery(frame, random);
  };
}

const handshakeApis: ReadonlySet<string> = new Set(["ApiVersions", "SaslHandshake", "SaslAuthenticate"]);

/**
 * Damages one answer, or some; everything after is as it should be, so that the client can recover. With `isTruthful`
 * connections are cut and answers split, but nothing wrong is ever said.
 */
export function damagePlan(random: Random, isTruthful: boolean, onDamage: Damaged): Deliver {
  const first = random.below(8);
  // Most answers are those of a handshake: damaging them all would leave little for the rest.
  const sparesHandshake = !random.oneIn(5);
  let damageLeft = random.oneIn(3) ? 4 : 1;
  let answers = 0;
  return ({ api, version, frame }) => {
    const isSpared =
      (sparesHandshake && handshakeApis.has(api)) || answers++ < first || (answers > first + 1 && random.oneIn(2));
    if (isSpared || damageLeft === 0) return { chunks: [frame], ending: "go on" };
    damageLeft--;
    onDamage(api, version);
    return isTruthful ? truthfulDelivery(frame, random) : damagedDelivery(frame, random);
  };
}
