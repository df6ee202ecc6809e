import type { BootId, PartitionEntry } from '@kvs/topology';
import type { Follower } from './follower.js';
import type { Followers } from './followers.js';
import { NOT_BEGUN } from './messages.js';
import type { NodeContext, PartitionData } from './node-context.js';
import type { PendingAnswers } from './pending-answers.js';

/** How the primary of a partition brings a learner to where it can be added (R15, R16). */
export class Filling {
  readonly #node: NodeContext;
  readonly #data: PartitionData;
  readonly #followers: Followers;
  readonly #answers: PendingAnswers;

  constructor(node: NodeContext, data: PartitionData, followers: Followers, answers: PendingAnswers) {
    this.#node = node;
    this.#data = data;
    this.#followers = followers;
    this.#answers = answers;
  }

  /**
   * Does the next step, if it can be done.
   *
   * @param doWritersWait whether writers wait, because copies lack much
   */
  advance(follower: Follower, entry: PartitionEntry, doWritersWait: boolean): void {
    const { fill, bootId } = follower;
    const isAsked = this.#isAsked(bootId);
    if (fill === undefined) this.#start(follower, entry);
    else if (isAsked || fill.failure === undefined) {
      if (!isAsked) this.#watch(follower, entry, doWritersWait);
      if (fill.isDone) this.#add(follower, entry.epoch);
    } else {
      follower.isCounted = false;
      if (this.#node.ports.nowMs() - follower.triedMs < PAUSE_MS) return;
      if (fill.failure !== NOT_BEGUN) this.#node.noteFailure(this.#data.number, bootId, fill.failure);
      follower.endFill();
      this.#start(follower, entry);
    }
  }

  /** Whether a request to add the learner may be granted at any moment. */
  #isAsked(learner: BootId): boolean {
    const { requests } = this.#node;
    return requests.isPending(
      this.#data.number,
      (change) => change.kind === 'add' && change.copy === learner,
    );
  }

  /** Begins a fill if there is a connection. A process that has just joined may have none yet. */
  #start(follower: Follower, entry: PartitionEntry): void {
    const { ports } = this.#node;
    const { number: partition } = this.#data;
    if (!ports.isConnected(follower.bootId)) {
      if (ports.nowMs() - follower.triedMs <= CONNECT_MS) return;
      this.#node.noteFailure(partition, follower.bootId, 'there is no connection');
      follower.triedMs = ports.nowMs();
      return;
    }
    follower.triedMs = ports.nowMs();
    // The learner may see the topology later than this process.
    ports.send(follower.bootId, { kind: 'entry', partition, entry });
    follower.startFill(entry.epoch);
  }

  /** Gives a fill up that can't end. If this process stood still, the answers may be in its input: it reads that first. */
  #watch(follower: Follower, entry: PartitionEntry, doWritersWait: boolean): void {
    const { fill } = follower;
    if (!this.#isFailing(follower, entry, doWritersWait)) return;
    this.#node.ports.afterInput(follower.bootId, () => {
      if (
        follower.fill === fill &&
        this.#isFailing(follower, entry, doWritersWait) &&
        !this.#isAsked(follower.bootId)
      )
        fill?.fail('the learner makes no progress');
    });
  }

  /**
   * A learner that has all pairs, or for whose acknowledgements writers wait, must make progress. It owes nothing once it has
   * acknowledged all effects: another request about the partition may come first.
   */
  #isFailing(follower: Follower, { epoch }: PartitionEntry, doWritersWait: boolean): boolean {
    const { ports, times } = this.#node;
    const { fill, progressMs, acknowledged, acknowledgedEpoch } = follower;
    const lacksEffects = acknowledged < this.#data.tail.end.number;
    const owesAnswer = lacksEffects || acknowledgedEpoch !== epoch;
    const mustAnswer = fill?.isDone === true ? owesAnswer : doWritersWait && lacksEffects;
    return mustAnswer && ports.nowMs() - progressMs > times.ackTimeoutMs;
  }

  /** Asks to add a learner that has all pairs. It counts from before that, but only once it has answered: it may be gone. */
  #add(follower: Follower, epoch: number): void {
    const { requests, bootId, fillTurns } = this.#node;
    const hasAnswered = follower.acknowledgedEpoch === epoch;
    if (hasAnswered && !follower.isCounted) {
      follower.count(this.#answers.answered);
      this.#node.beaconSoon(follower.bootId);
    }
    if (hasAnswered && follower.acknowledged >= follower.mark)
      requests.ask(
        this.#data.number,
        epoch,
        { kind: 'add', by: bootId, copy: follower.bootId },
        fillTurns.isIdle ? 'now' : 'soon',
      );
    else follower.pokeSometimes(epoch, this.#followers.trimUpTo);
  }
}

/** A learner without a connection for so long does not hold up others, which the controller may name instead. */
const CONNECT_MS = 5000;

/** Between two tries to fill a learner. */
const PAUSE_MS = 1000;
