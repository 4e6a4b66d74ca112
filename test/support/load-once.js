// In the place of every module outside test/ stands a line that loads it outside of Jest's world (environment.js).
export default {
  process: (_text, path) => ({ code: `module.exports = loadOnce(${JSON.stringify(path)});` }),
};
