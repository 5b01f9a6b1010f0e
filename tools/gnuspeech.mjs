// Say one thing with GnuSpeech: node gnuspeech.mjs PACKAGES OUT.wav '{"text": ..., "voice": {...}, "model": {...}}'.
// PACKAGES holds node_modules with @echogarden/gnuspeech-wasm; "voice" and "model" replace lines of its files of that name.
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [packages, out, request] = process.argv.slice(2);
const { text, voice, model } = JSON.parse(request);
const require = createRequire(pathToFileURL(join(packages, 'x.js')));
const entry = require.resolve('@echogarden/gnuspeech-wasm');
const { default: open } = await import(pathToFileURL(join(entry, '../../../wasm/gnuspeech.js')));
const { wrapEmscriptenModuleHeap } = await import(pathToFileURL(require.resolve('wasm-heap-manager')));
const module = await open();
const changed = (path, values) => {
  let lines = module.FS.readFile(path, { encoding: 'utf8' });
  for (const [name, value] of Object.entries(values))
    lines = lines.replace(new RegExp(`^${name} = .*$`, 'm'), `${name} = ${value}`);
  module.FS.writeFile(path, lines);
};
changed('/data/en/voice_male.txt', voice);
changed('/data/en/trm_control_model.txt', model);
const heap = wrapEmscriptenModuleHeap(module);
const [said, wave, data, parameters] = [text, './out.wav', '/data/en', './parameters.txt'].map(
  (each) => heap.allocNullTerminatedUtf8String(each).address,
);
module._GnuSpeech_synthesizeToFile(said, wave, data, parameters, false);
await writeFile(out, module.FS.readFile('./out.wav'));
