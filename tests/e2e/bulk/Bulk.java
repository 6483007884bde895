// SPDX-License-Identifier: Apache-2.0

import com.sun.net.httpserver.HttpServer;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;

/** Java's own HTTP as it comes: Bulk serve PORT FILE, or Bulk ask URL FILE. */
public class Bulk {
	static String sum(InputStream in) throws Exception {
		MessageDigest sum = MessageDigest.getInstance("SHA-256");
		byte[] bytes = new byte[1 << 16];
		for (int n; (n = in.read(bytes)) > 0;)
			sum.update(bytes, 0, n);
		return HexFormat.of().formatHex(sum.digest());
	}

	static void serve(int port, Path file) throws Exception {
		HttpServer server = HttpServer.create(new InetSocketAddress(port), 64);
		server.createContext("/", x -> {
			try (x) {
				if (x.getRequestMethod().equals("GET")) {
					x.sendResponseHeaders(200, Files.size(file));
					Files.copy(file, x.getResponseBody());
				} else {
					byte[] text = (sum(x.getRequestBody()) + "\n").getBytes();
					x.sendResponseHeaders(200, text.length);
					x.getResponseBody().write(text);
				}
			} catch (Exception e) {
				e.printStackTrace();
			}
		});
		server.start();
	}

	static HttpRequest.Builder to(String url) {
		return HttpRequest.newBuilder(URI.create(url)).version(HttpClient.Version.HTTP_1_1);
	}

	public static void main(String[] args) throws Exception {
		if (args[0].equals("serve")) {
			serve(Integer.parseInt(args[1]), Path.of(args[2]));
			return;
		}
		HttpClient client = HttpClient.newHttpClient();
		Path file = Path.of(args[2]);
		HttpRequest up = to(args[1]).POST(HttpRequest.BodyPublishers.ofFile(file)).build();
		HttpRequest chunks = to(args[1]).POST(HttpRequest.BodyPublishers.ofInputStream(() -> {
			try {
				return Files.newInputStream(file);
			} catch (Exception e) {
				throw new RuntimeException(e);
			}
		})).build();
		System.out.print(client.send(up, HttpResponse.BodyHandlers.ofString()).body());
		System.out.print(client.send(chunks, HttpResponse.BodyHandlers.ofString()).body());
		System.out.println(sum(client.send(to(args[1]).build(), HttpResponse.BodyHandlers.ofInputStream()).body()));
	}
}
