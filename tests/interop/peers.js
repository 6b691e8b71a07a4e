'use strict';
// What the comparisons share: the two programs beside each other, and the end when one is missing.

const fs = require('node:fs');
const path = require('node:path');
const js = (name) => require(path.join(__dirname, '../e2e/js', name));

const tailspan = js('tailspan.js');

// The path that the variable names; ends the script as skipped when there is none.
function need(variable, why) {
  const program = process.env[variable];
  if (program && fs.existsSync(program)) return program;
  console.log(`skipped: ${why}`);
  process.exit(77);
}

module.exports = { need, js, tailspan };
