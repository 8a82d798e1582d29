/** Workers go from one file to the next, so what a file's cases share is ended after the file. */
import { afterAll } from 'vitest';
import { endScenes } from '../e2e/scene.ts';

afterAll(endScenes);
