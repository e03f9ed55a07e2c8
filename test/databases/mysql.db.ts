import { twentyRotations } from './rotations.ts';
import { mariaPeer } from './subjects.ts';

twentyRotations('mysql', mariaPeer);
