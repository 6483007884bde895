// SPDX-License-Identifier: Apache-2.0
// A server and a client of gRPC, by grpc-js.
//
//	grpc.js serve PORT...	a service "shop.Cart", and another one of the same kind, "shop.Admin", without credentials
//	grpc.js ask HOST PORT	a call of each kind, and what came of it, as lines: WHAT: RESULT
"use strict";
const grpc = require(process.env.GRPC_JS || "@grpc/grpc-js");

const plain = { requestSerialize: (b) => b, requestDeserialize: (b) => b, responseSerialize: (b) => b, responseDeserialize: (b) => b };
const service = (name) => ({
	who: { path: `/shop.${name}/Who`, requestStream: false, responseStream: false, ...plain },
	count: { path: `/shop.${name}/Count`, requestStream: false, responseStream: true, ...plain },
	sum: { path: `/shop.${name}/Sum`, requestStream: true, responseStream: false, ...plain },
	echo: { path: `/shop.${name}/Echo`, requestStream: true, responseStream: true, ...plain },
	fail: { path: `/shop.${name}/Fail`, requestStream: false, responseStream: false, ...plain },
});
const host = (name) => name.replace("::ffff:", "").replace(/:\d+$/, ":P");

const work = {
	who(call, done) {
		const added = call.metadata.get("x-added").join(",") || "-";
		const trailer = new grpc.Metadata();
		trailer.set("x-trailer", "end");
		done(null, Buffer.from(`${host(call.getPeer())} ${added}`), trailer);
	},
	count(call) {
		for (let i = 1; i <= 100; i++) call.write(Buffer.from(`${i}`));
		call.end();
	},
	sum(call, done) {
		let n = 0;
		call.on("data", (b) => (n += b.length));
		call.on("end", () => done(null, Buffer.from(`${n}`)));
	},
	echo(call) {
		call.on("data", (b) => call.write(b));
		call.on("end", () => call.end());
	},
	fail(call, done) {
		done({ code: grpc.status.NOT_FOUND, details: "no such thing: 100 %" });
	},
};

async function serve(ports) {
	for (const port of ports) {
		const server = new grpc.Server();
		server.addService(service("Cart"), work);
		server.addService(service("Admin"), work);
		await new Promise((done, fail) =>
			server.bindAsync(`[::]:${port}`, grpc.ServerCredentials.createInsecure(), (e) => (e ? fail(e) : done())));
	}
}

async function ask(name, port) {
	const deadline = () => ({ deadline: Date.now() + 20000 });
	const wait = new grpc.Metadata({ waitForReady: true });
	const client = (of) =>
		new (grpc.makeGenericClientConstructor(service(of)))(`${name}:${port}`, grpc.credentials.createInsecure());
	const say = (what, result) => console.log(`${what}: ${result}`);
	const told = (e) => `status ${e.code} ${e.details}`;
	const unary = (of, method, body) =>
		new Promise((done) => {
			let trailer = "-";
			const call = of[method](body, wait, deadline(), (e, b) =>
				setImmediate(() => done(e ? told(e) : `${b} ${trailer} ${host(call.getPeer())}`)));
			call.on("status", (s) => (trailer = s.metadata.get("x-trailer").join(",") || "-"));
		});
	const stream = (call, send) =>
		new Promise((done) => {
			let n = 0, bytes = 0;
			call.on("data", (b) => (n++, (bytes += b.length)));
			call.on("error", (e) => done(told(e)));
			call.on("end", () => setImmediate(() => done(`${n} messages of ${bytes} bytes`)));
			for (const b of send || []) call.write(b);
			if (send) call.end();
		});
	const cart = client("Cart"), admin = client("Admin");

	say("unary", await unary(cart, "who", Buffer.from("a")));
	say("server's stream", await stream(cart.count(Buffer.from("a"), wait, deadline())));
	say("client's stream", await new Promise((done) => {
		const call = cart.sum(wait, deadline(), (e, b) => done(e ? told(e) : `${b}`));
		for (let i = 0; i < 50; i++) call.write(Buffer.alloc(20000));
		call.end();
	}));
	say("both", await stream(cart.echo(wait, deadline()), Array(40).fill(Buffer.alloc(30000))));
	say("the server's own error", await unary(cart, "fail", Buffer.from("")));
	say("denied", await unary(admin, "who", Buffer.from("a")));
	say("denied stream", await stream(admin.count(Buffer.from("a"), wait, deadline())));
	say("denied in both directions", await stream(admin.echo(wait, deadline()), [Buffer.from("a")]));
	say("on the same channel again", await unary(cart, "who", Buffer.from("a")));
	cart.close();
	admin.close();
}

if (process.argv[2] === "serve") serve(process.argv.slice(3));
else ask(process.argv[3], process.argv[4]);
