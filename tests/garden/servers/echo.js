// SPDX-License-Identifier: Apache-2.0

// A server that writes down what it is asked: echo.js HOST PORT LOG. See tests/garden/README.md for the lines of LOG.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');

const [host, port, path] = process.argv.slice(2);
const log = fs.openSync(path, 'a');

function record(request, sum, length, whole) {
	const raw = request.rawHeaders;
	const lines = [];
	for (let i = 0; i < raw.length; i += 2)
		lines.push([raw[i], raw[i + 1]]);
	return JSON.stringify({
		conn: request.garden,
		method: request.method,
		target: request.url,
		host: request.headers.host ?? '',
		lines,
		body: {len: length, sha: sum.digest('hex'), whole},
	}) + '\n';
}

const server = http.createServer((request, response) => {
	const sum = crypto.createHash('sha256');
	let length = 0, done = false;
	// The socket forgets its peer when it is closed, which may be before anybody has asked: then it is unknown.
	request.garden = `${request.socket.remoteAddress}:${request.socket.remotePort}`;
	const end = whole => {
		if (done)
			return;
		done = true;
		const line = record(request, sum, length, whole);
		fs.writeSync(log, line);
		response.setHeader('Content-Type', 'application/json');
		response.end(line);
	};
	request.on('data', data => { sum.update(data); length += data.length; });
	request.on('end', () => end(true));
	request.on('error', () => end(false));
	request.on('close', () => end(false));
});
server.listen(Number(port), host);
