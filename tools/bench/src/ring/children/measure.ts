import { childInput, childOutput } from '../../harness/in-child.js';
import { measureRing, type RingRequest } from '../ring-suite.js';
import { fullRun, quickRun } from '../run-size.js';

const { quick, cases } = childInput<RingRequest>();
const progress = (message: string): void => void process.stderr.write(`${message}\n`);
childOutput(await measureRing({ runSize: quick ? quickRun : fullRun, progress }, cases));
