import { twentyRotations } from './rotations.ts';
import { postgresPeer } from './subjects.ts';

twentyRotations('postgresql', postgresPeer);
