// SPDX-License-Identifier: Apache-2.0

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;

/** A server that writes down what it is asked: Echo HOST PORT LOG. See tests/garden/README.md for the lines of LOG. */
public class Echo {
	static String quoted(String text) {
		StringBuilder out = new StringBuilder("\"");
		for (char c : text.toCharArray()) {
			if (c < 0x20 || c > 0x7e || c == '"' || c == '\\')
				out.append(String.format("\\u%04x", (int) c));
			else
				out.append(c);
		}
		return out.append('"').toString();
	}

	/** As much of the body as comes; whether that was all. */
	static boolean read(HttpExchange exchange, ByteArrayOutputStream to) {
		byte[] buffer = new byte[16384];
		try (InputStream in = exchange.getRequestBody()) {
			for (int n = in.read(buffer); n >= 0; n = in.read(buffer))
				to.write(buffer, 0, n);
			return true;
		} catch (IOException e) {
			return false;
		}
	}

	static String look(HttpExchange exchange) throws Exception {
		ByteArrayOutputStream body = new ByteArrayOutputStream();
		boolean whole = read(exchange, body);
		StringBuilder lines = new StringBuilder(), sum = new StringBuilder();
		for (Map.Entry<String, List<String>> field : exchange.getRequestHeaders().entrySet()) {
			for (String value : field.getValue()) {
				lines.append(lines.length() == 0 ? "" : ",").append('[').append(quoted(field.getKey()))
					.append(',').append(quoted(value == null ? "" : value)).append(']');
			}
		}
		for (byte b : MessageDigest.getInstance("SHA-256").digest(body.toByteArray()))
			sum.append(String.format("%02x", b));
		String host = exchange.getRequestHeaders().getFirst("Host");
		InetSocketAddress peer = exchange.getRemoteAddress();
		return String.format("{\"conn\":%s,\"method\":%s,\"target\":%s,\"host\":%s,\"lines\":[%s],"
			+ "\"body\":{\"len\":%d,\"sha\":\"%s\",\"whole\":%b}}\n",
			quoted(peer.getAddress().getHostAddress() + ":" + peer.getPort()),
			quoted(exchange.getRequestMethod()), quoted(exchange.getRequestURI().toString()),
			quoted(host == null ? "" : host), lines, body.size(), sum, whole);
	}

	public static void main(String[] args) throws Exception {
		FileOutputStream log = new FileOutputStream(args[2], true);
		HttpServer server = HttpServer.create(new InetSocketAddress(args[0], Integer.parseInt(args[1])), 1024);
		server.setExecutor(Executors.newCachedThreadPool());
		server.createContext("/", exchange -> {
			try (exchange) {
				byte[] line = look(exchange).getBytes(StandardCharsets.US_ASCII);
				synchronized (log) {
					log.write(line);
				}
				exchange.getResponseHeaders().set("Content-Type", "application/json");
				boolean isHead = exchange.getRequestMethod().equals("HEAD");
				exchange.sendResponseHeaders(200, isHead ? -1 : line.length);
				if (!isHead)
					exchange.getResponseBody().write(line);
			} catch (IOException e) {
				throw e;
			} catch (Exception e) {
				throw new IOException(e);
			}
		});
		server.start();
	}
}
