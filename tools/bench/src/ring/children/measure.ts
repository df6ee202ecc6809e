import { childInput, childOutput } from '../../harness/in-child.js';
import { measureRing, type RingRequest } from '../ring-suite.js';
import { fullScale, quickScale } from '../scale.js';

const { quick, cases } = childInput<RingRequest>();
const progress = (message: string): void => void process.stderr.write(`${message}\n`);
childOutput(await measureRing({ scale: quick ? quickScale : fullScale, progress }, cases));
