// SPDX-License-Identifier: Apache-2.0
#include "lint/rules.h"

/* A GET of PATH, which is a YAML scalar. */
#define GET(path)                                     \
	PST_HTTP("              - method: GET|HEAD\n" \
		 "                path: " path "\n")

#define ON_HOST(host)                                 \
	PST_HTTP("              - method: GET|HEAD\n" \
		 "                host: " host "\n")

#define WITH_HEADER(header)                       \
	PST_HTTP("              - method: POST\n" \
		 "                headers:\n"     \
		 "                  - " header "\n")

#define METHOD(method) PST_HTTP("              - method: " method "\n")

#define ROW(id_, severity_) \
	.id = (id_), .severity = PST_SEVERITY_##severity_, .group = PST_LINT_TRAPS, .since = "0.1"

#define ACCEPTS "accepts it"

static const struct pst_lint_rule rows[] = {
	{
		ROW("header-without-space", ERROR),
		.title = "a header and its value are written without a blank between them",
		.why = "Cilium cuts an element of `headers` at its first blank. Without "
		       "one, the whole text is a name, and the rule asks whether a header "
		       "of that name is there. No header can have a colon in its name, so "
		       "the rule allows nothing.\n",
		.remedy = "Write a blank behind the colon.",
		.cilium = ACCEPTS,
		.bad = WITH_HEADER("\"X-Token:42\""),
		.good = WITH_HEADER("\"X-Token: 42\""),
	},
	{
		ROW("header-name-invalid", ERROR),
		.title = "a header whose name no request can have",
		.why = "The name of a header consists of letters, digits and a few signs "
		       "(RFC 9110, 5.6.2). A request with another one is refused before "
		       "any rule is looked at, so this rule allows nothing.\n",
		.remedy = "Correct the name.",
		.cilium = ACCEPTS,
		.bad = WITH_HEADER("\"X(Token): 42\""),
		.good = WITH_HEADER("\"X-Token: 42\""),
	},
	{
		ROW("header-blank", ERROR),
		.title = "a header value that begins or ends with a blank",
		.why = "Everything behind the first blank is the value, further blanks "
		       "included. Blanks around the value of a header are not part of it "
		       "(RFC 9110, 5.5), so no request has this value, and the rule allows "
		       "nothing.\n",
		.remedy = "Leave one blank behind the colon and none at the end.",
		.cilium = ACCEPTS,
		.bad = WITH_HEADER("\"X-Token:  42\""),
		.good = WITH_HEADER("\"X-Token: 42\""),
	},
	{
		ROW("header-host", WARNING),
		.title = "the host of a request asked for as a header",
		.why = "In `headers` the value must be equal, port included, and how the "
		       "name Host is understood there is a matter of the proxy. The field "
		       "`host` is made for it, and takes a pattern.\n",
		.remedy = "Use the field `host`.",
		.cilium = ACCEPTS,
		.bad = WITH_HEADER("\"Host: shop.example\""),
		.good = PST_HTTP("              - method: POST\n"
				 "                host: shop\\.example\n"),
	},
	{
		ROW("header-joined", WARNING),
		.title = "an exact value for a header that requests carry several times",
		.why = "Lines of one name are joined with commas before they are compared. "
		       "These headers are lists, or are added by proxies on the way: when "
		       "there is one more element, the value differs and the request is "
		       "denied. And what a proxy adds, a client may have sent as well.\n",
		.remedy = "Ask for a header that your own proxy sets once, or for the "
			  "presence of this one.",
		.cilium = ACCEPTS,
		.bad = WITH_HEADER("\"X-Forwarded-Proto: https\""),
		.good = WITH_HEADER("X-Forwarded-Proto"),
	},
	{
		ROW("header-of-connection", WARNING),
		.title = "a header about the connection asked for in a rule about requests",
		.why = "`Connection`, `Keep-Alive`, `Proxy-Connection`, `Transfer-Encoding`, "
		       "`HTTP2-Settings` and `Upgrade` tell the next one on the way how to "
		       "read what comes, and are not passed on (RFC 9110, 7.6.1). Cilium's "
		       "proxy takes them away before it looks at rules, but for "
		       "`Connection` and `Upgrade` of a WebSocket handshake. `postern-proxy` takes "
		       "away what offers HTTP/2. HTTP/2 has none of them. Where the kernel "
		       "judges, the rule sees what the client wrote, or the request is "
		       "refused before: so the same policy allows different requests, or "
		       "none at all.\n",
		.remedy = "Ask for what the request wants: method, path, or a header of your "
			  "own. For WebSocket, `Upgrade: websocket` works everywhere.",
		.cilium = ACCEPTS,
		.bad = WITH_HEADER("\"Upgrade: h2c\""),
		.good = PST_HTTP("              - method: GET|HEAD\n"
				 "                headers:\n"
				 "                  - \"Upgrade: websocket\"\n"),
	},
	{
		ROW("header-secret", WARNING),
		.title = "a secret as plain text in a policy",
		.why = "Policies are readable for many, and end in repositories and logs. "
		       "Whoever reads this one can send the header.\n",
		.remedy = "Use `headerMatches` with a `secret`, or let the service itself "
			  "check the credentials.",
		.cilium = ACCEPTS,
		.bad = WITH_HEADER("\"Authorization: Bearer 123456\""),
		.good = PST_HTTP("              - method: POST\n"
				 "                headerMatches:\n"
				 "                  - name: Authorization\n"
				 "                    secret:\n"
				 "                      namespace: shop\n"
				 "                      name: token\n"),
	},
	{
		ROW("method-lower-case", WARNING),
		.title = "a method that is not in upper case",
		.why = "Methods are compared with their case, and the registered ones are "
		       "in upper case. `get` matches no request of an ordinary client, so "
		       "the rule allows nothing.\n",
		.remedy = "Write the method in upper case.",
		.cilium = ACCEPTS,
		.bad = METHOD("post"),
		.good = METHOD("POST"),
	},
	{
		ROW("method-never-matches", ERROR),
		.title = "a method that no request can have",
		.why = "A method is one word of letters, digits and a few signs (RFC 9110, "
		       "9.1). The field is a regular expression that must match all of it: "
		       "a list with commas or blanks, or a pattern between slashes, "
		       "matches nothing. CONNECT is a method, but asks for a tunnel: such requests "
		       "are denied before any rule is looked at.\n",
		.remedy = "Write alternatives with a bar: `GET|POST`.",
		.cilium = ACCEPTS,
		.bad = METHOD("PUT, POST"),
		.good = METHOD("PUT|POST"),
	},
	{
		ROW("method-unknown", WARNING),
		.title = "a method that is not registered",
		.why = "The method is in none of the standards that IANA's registry lists. "
		       "It may be a misspelling, and then the rule allows nothing.\n",
		.remedy = "Correct it, or ignore this finding if your service has methods of "
			  "its own.",
		.cilium = ACCEPTS,
		.bad = METHOD("DELTE"),
		.good = METHOD("DELETE"),
	},
	{
		ROW("get-without-head", INFO),
		.title = "GET is allowed and HEAD is not",
		.why = "A pattern for GET does not match HEAD, although servers answer "
		       "both alike. Load balancers, caches and link checkers send HEAD, "
		       "and get 403 (cilium/cilium#13280).\n",
		.remedy = "Write `GET|HEAD` unless HEAD is to be denied.",
		.cilium = ACCEPTS,
		.bad = METHOD("GET"),
		.good = METHOD("GET|HEAD"),
	},
	{
		ROW("path-without-slash", ERROR),
		.title = "a path that does not begin with a slash",
		.why = "The path of a request begins with a slash, and the pattern must "
		       "match all of it. A pattern none of whose texts begin so matches no "
		       "request, so the rule allows nothing.\n",
		.remedy = "Begin the pattern with `/`.",
		.cilium = ACCEPTS,
		.bad = GET("public"),
		.good = GET("/public"),
	},
	{
		ROW("path-not-normal", WARNING),
		.title = "a path that only a target out of normal form can match",
		.why = "Targets with `//`, `.` or `..` as a segment, a backslash, an "
		       "escaped slash, escaped letters, `#` or bytes that are not ASCII "
		       "mean different things to different servers. postern denies them "
		       "all before rules are looked at, and Cilium rewrites most of them "
		       "first. So the rule allows nothing.\n",
		.remedy = "Write the path as the server sees it: without doubled slashes, dot "
			  "segments and needless escapes.",
		.cilium =
			"accepts it; with http-normalize-path, which is on by default, such targets are rewritten or redirected before rules are looked at",
		.bad = GET("/files//public"),
		.good = GET("/files/public"),
	},
	{
		ROW("path-glob", WARNING),
		.title = "an asterisk behind a slash, as in the patterns of a shell",
		.why = "Paths are regular expressions: `/*` is any number of slashes. "
		       "`/public/*` matches `/public`, `/public/` and nothing below.\n",
		.remedy = "Write `/.*`.",
		.cilium = ACCEPTS,
		.bad = GET("/public/*"),
		.good = GET("/public/.*"),
	},
	{
		ROW("path-any-prefix", WARNING),
		.title = "a path that may begin with anything",
		.why = "`.*` also stands for slashes. `.*/public` allows `/admin/public` "
		       "and, in its query, `/admin?/public`. Lists of allowed paths have "
		       "been walked round in this way.\n",
		.remedy = "Begin with the folder that is meant; `[^/]*` stands for one "
			  "segment.",
		.cilium = ACCEPTS,
		.bad = GET("'.*/public'"),
		.good = GET("/[^/]*/public"),
	},
	{
		ROW("path-prefix-open", WARNING),
		.title = "a prefix that ends inside of a name",
		.why = "`/admin.*` also allows `/administrator` and `/admin-old/secret`: "
		       "nothing says that the name ends.\n",
		.remedy = "Write `/admin(/.*)?` for the folder and all below it.",
		.cilium = ACCEPTS,
		.bad = GET("/admin.*"),
		.good = GET("/admin(/.*)?"),
	},
	{
		ROW("path-question-mark", WARNING),
		.title = "a question mark that was meant as the start of a query",
		.why = "In a regular expression `?` makes the character before it "
		       "optional. `/search?q=x` matches `/searchq=x` and `/searcq=x`, and "
		       "no request with a query.\n",
		.remedy = "Write `\\?`.",
		.cilium = ACCEPTS,
		.bad = GET("/search?q=[a-z]+"),
		.good = GET("'/search\\?q=[a-z]+'"),
	},
	{
		ROW("path-dot", INFO),
		.title = "a dot that is any character",
		.why = "In a regular expression `.` is any character: `/index.html` also "
		       "allows `/index-html`.\n",
		.remedy = "Write `\\.`.",
		.cilium = ACCEPTS,
		.bad = GET("/index.html"),
		.good = GET("'/index\\.html'"),
	},
	{
		ROW("path-without-query", INFO),
		.off = true,
		.title = "a path that leaves no room for a query",
		.why = "The pattern must match all of the target, and the query is part of "
		       "it: `/public` denies `/public?x=1`. That may be what is meant.\n",
		.remedy = "Write `/public(\\?.*)?` to allow any query.",
		.cilium = ACCEPTS,
		.bad = GET("/public"),
		.good = GET("'/public(\\?.*)?'"),
	},
	{
		ROW("anchor-needless", INFO),
		.off = true,
		.title = "an anchor at the end of a pattern",
		.why = "Patterns must match the whole text, so `^` and `$` at the ends "
		       "change nothing. They may mislead: who reads one pattern with "
		       "anchors takes another without them for a prefix.\n",
		.remedy = "Leave them out.",
		.cilium = ACCEPTS,
		.bad = GET("/public$"),
		.good = GET("/public"),
	},
	{
		ROW("host-dot", WARNING),
		.title = "a dot in a host that is any character",
		.why = "Hosts are regular expressions: `shop.example.com` also allows "
		       "`shop-example.com`, a name that anybody may own.\n",
		.remedy = "Write `\\.`.",
		.cilium = ACCEPTS,
		.bad = ON_HOST("shop.example"),
		.good = ON_HOST("'shop\\.example'"),
	},
	{
		ROW("host-upper-case", WARNING),
		.title = "a host with upper-case letters",
		.why = "Hosts are compared with their case here, although names have none. "
		       "Clients send them in lower case, and are denied.\n",
		.remedy = "Write the host in lower case.",
		.cilium = ACCEPTS,
		.bad = ON_HOST("'Shop\\.example'"),
		.good = ON_HOST("'shop\\.example'"),
	},
	{
		ROW("host-with-path", ERROR),
		.title = "a host with a scheme or a path",
		.why = "A Host header holds a name and perhaps a port. It has no slash, so "
		       "the rule allows nothing.\n",
		.remedy = "Write the name only, and the path in `path`.",
		.cilium = ACCEPTS,
		.bad = ON_HOST("'https://shop\\.example'"),
		.good = ON_HOST("'shop\\.example'"),
	},
	{
		ROW("host-without-port", INFO),
		.off = true,
		.title = "a host without room for the port",
		.why = "Clients that connect to another port than 80 or 443 send it in the "
		       "Host header, and the pattern must match all of that. Where a "
		       "Service translates port 80 to this one, clients send no port.\n",
		.remedy = "Write `(:8080)?` at the end.",
		.cilium = ACCEPTS,
		.bad = PST_SPEC "  ingress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"8080\"\n"
				"              protocol: TCP\n"
				"          rules:\n"
				"            http:\n"
				"              - host: shop\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"8080\"\n"
				 "              protocol: TCP\n"
				 "          rules:\n"
				 "            http:\n"
				 "              - host: shop(:8080)?\n",
	},
};

const struct pst_lint_rules pst_lint_rules_traps = PST_LINT_RULES(rows);
