"use strict";
// Makes the table of domains out of the JSON in the page, and keeps it quick:
// a few rows at a time are in the document, the rest follow as one scrolls. All
// text is put in as text, never as markup.
(() => {
	const STEP = 100; // rows at a time
	const byID = (id) => document.getElementById(id);
	const all = (selector) => [...document.querySelectorAll(selector)];
	const read = (script) => JSON.parse(script.textContent);

	// make is an element with attributes and with children, elements or text.
	const make = (name, attributes, ...children) => {
		const e = document.createElement(name);
		for (const [key, value] of Object.entries(attributes || {})) {
			if (value !== undefined && value !== false) e.setAttribute(key, value === true ? "" : value);
		}
		e.append(...children.filter((c) => c !== undefined && c !== "" && c !== null));
		return e;
	};
	const bdi = (text) => make("bdi", null, text || "");

	const rules = read(byID("rules"));
	const fieldsOf = read(byID("fields")); // what a rebuild by Nova may change
	const details = all("script.details");
	const rows = [];
	all("script.rows").forEach((script, part) => {
		read(script).forEach((row, at) => {
			Object.assign(row, { part, at, index: rows.length, ips: row.ips || [], codes: row.codes || [] });
			row.find = [row.name, row.host, row.uuid, row.os, row.title, row.verdict, row.why, ...(row.marks || []), ...row.ips, ...(row.macs || []), ...row.codes]
				.filter(Boolean).join("\n").toLowerCase();
			rows.push(row);
		});
		script.remove(); // read once
	});

	const table = byID("table");
	const body = byID("rows");
	const more = byID("more");
	const form = byID("filter");
	const heads = all("#table thead th");
	const keys = heads.map((h) => h.dataset.key);

	// ---- one row

	const whyOf = (row) => {
		if (row.why) return row.why;
		if (!row.codes.length || row.verdict === "ready") return "";
		const more = row.codes.filter((code) => (rules[code] || {}).severity !== "info").length - 1;
		return `${row.codes[0]} ${(rules[row.codes[0]] || {}).title || ""}${more > 0 ? ` (+${more})` : ""}`;
	};
	const percent = (n) => (n === undefined ? "" : `${n.toFixed(n < 10 ? 1 : 0)}%`);
	const cells = {
		name: (row) => {
			const button = make("button", { type: "button", class: "fold", "aria-expanded": "false" }, bdi(row.name || "(no name)"));
			button.addEventListener("click", () => fold(row, button));
			return make("th", { scope: "row" }, button);
		},
		host: (row) => make("td", { class: "extra" }, bdi(row.host)),
		state: (row) => make("td", { class: "extra" }, row.state),
		vcpus: (row) => make("td", { class: "num extra" }, row.vcpus ? String(row.vcpus) : ""),
		mb: (row) => make("td", { class: "num extra" }, row.vcpus ? row.ram : ""),
		gb: (row) => make("td", { class: "num extra" }, row.disk, row.disks > 1 ? make("span", { class: "sub" }, `${row.disks} disks`) : ""),
		ips: (row) => make("td", { class: "extra ips" }, row.ips.slice(0, 2).join(" ") + (row.ips.length > 2 ? ` +${row.ips.length - 2}` : "")),
		os: (row) => make("td", { class: "extra os" }, bdi(row.os), row.sure ? make("span", { class: "sub" }, row.sure) : ""),
		cpu: (row) => make("td", { class: "num extra" }, percent(row.cpu), row.marks ? make("span", { class: "sub" }, row.marks.join(", ")) : ""),
		used: (row) => make("td", { class: "num extra" }, percent(row.used)),
		verdict: (row) => make("td", null, make("span", { class: `badge ${row.verdict}` }, row.verdict)),
		why: (row) => make("td", { class: "why" }, whyOf(row)),
	};
	const draw = (row, index) => {
		const tr = make("tr", { class: row.verdict, "aria-rowindex": String(index + 2) }, ...keys.map((key) => cells[key](row)));
		const button = tr.querySelector("button.fold");
		if (opened.has(row.index)) {
			button.setAttribute("aria-expanded", "true");
			const fragment = document.createDocumentFragment();
			fragment.append(tr, unfolded(row));
			return fragment;
		}
		return tr;
	};

	// ---- what a row unfolds to

	const opened = new Set(); // by index, so that it survives sorting
	const parsed = new Map(); // the details of the parts that were looked into

	const detailOf = (row) => {
		if (!parsed.has(row.part)) parsed.set(row.part, read(details[row.part]));
		return parsed.get(row.part)[row.at];
	};
	const fold = (row, button) => {
		const tr = button.closest("tr");
		if (opened.delete(row.index)) {
			button.setAttribute("aria-expanded", "false");
			if (tr.nextElementSibling && tr.nextElementSibling.classList.contains("detail")) tr.nextElementSibling.remove();
			return;
		}
		opened.add(row.index);
		button.setAttribute("aria-expanded", "true");
		tr.after(unfolded(row));
	};

	const pairs = (list) => make("dl", null, ...list.map(([word, text]) => make("div", null, make("dt", null, word), make("dd", null, bdi(text)))));
	const grid = (caption, head, lines) => make("div", { class: "scroll", role: "region", "aria-label": caption, tabindex: "0" },
		make("table", null,
			make("caption", null, caption),
			make("thead", null, make("tr", null, ...head.map((h) => make("th", { scope: "col" }, h)))),
			make("tbody", null, ...lines)));
	const line = (first, ...rest) => make("tr", null, make("th", { scope: "row" }, bdi(first)),
		...rest.map((c) => make("td", null, c instanceof Node ? c : bdi(c))));
	const part = (title, ...content) => make("section", null, make("h3", null, title), ...content);

	const findings = (list) => make("ul", { class: "findings" }, ...list.map((f) => {
		const rule = rules[f.code] || { severity: "info", title: "", action: "", fact: "" };
		return make("li", { class: rule.severity },
			make("p", null, make("span", { class: `badge ${rule.severity}` }, rule.severity), " ", make("strong", null, `${f.code} ${rule.title}`)),
			make("p", null, f.text),
			make("p", { class: "do" }, make("b", null, "Do: "), f.action || rule.action),
			rule.fact ? make("p", { class: "rests" }, `Rests on: ${rule.fact}`) : "");
	}));
	const differences = (row, list) => {
		const guests = list.filter((x) => x.guest).length;
		const lines = [...list].sort((a, b) => Number(b.guest || 0) - Number(a.guest || 0)).map((x) => {
			const field = fieldsOf[x.field] || { title: x.field, why: "" };
			return line(x.device ? `${field.title} ${x.device}` : field.title,
				x.now ? make("del", null, bdi(x.now)) : "",
				x.then ? make("ins", null, bdi(x.then)) : make("span", { class: "badge lost" }, "lost"),
				x.guest ? "the guest" : "its host only", x.why || field.why);
		});
		return [make("p", null, `The guest can notice ${guests} of ${list.length} differences.`),
			grid(`What a hard reboot in Nova would change in ${row.name}`, ["What", "Now", "Then", "Who notices", "Why"], lines)];
	};

	const unfolded = (row) => {
		const d = detailOf(row);
		const content = [];
		if (d.findings) content.push(part("Findings", findings(d.findings)));
		if (d.facts) content.push(part("The domain", pairs([["Host", row.host], ...d.facts])));
		if (d.evidence) content.push(part("Why this system", make("ul", { class: "evidence" }, ...d.evidence.map((e) => make("li", null, bdi(e))))));
		if (d.disks) {
			content.push(part("Disks", grid(`Disks of ${row.name}`, ["Target", "Bus", "Format", "Source", "Size", "Can be linked", "Notes"], d.disks.map((k) =>
				line(k.target, k.device === "disk" ? k.bus : `${k.bus} ${k.device}`, k.format, k.source, k.size, k.linkable || "", k.notes || "")))));
		}
		if (d.nics) {
			content.push(part("Interfaces", grid(`Interfaces of ${row.name}`, ["MAC address", "Model", "Plugged into", "Neutron network", "Addresses seen"], d.nics.map((n) =>
				line(n.mac, n.model, n.plug, n.network || make("span", { class: "warn" }, "no mapping"), n.ips)))));
		}
		if (d.rebuild) content.push(part("What a hard reboot in Nova would change", ...differences(row, d.rebuild)));
		if (d.usage) content.push(part("What it was seen to use", pairs(d.usage)));
		return make("tr", { class: "detail" }, make("td", { colspan: String(keys.length) }, make("div", { class: "sheet" }, ...content)));
	};

	// ---- filter and sort

	const fields = { text: "", verdict: "", code: "", host: "", family: "", state: "", mark: "" };
	const order = { key: "", down: false };
	let shown = rows;
	let drawn = 0;

	const matches = (row, words) =>
		(!fields.verdict || row.verdict === fields.verdict) &&
		(!fields.host || row.host === fields.host) &&
		(!fields.family || row.family === fields.family) &&
		(!fields.state || row.state === fields.state) &&
		(!fields.mark || (row.marks || []).includes(fields.mark)) &&
		(!fields.code || row.codes.includes(fields.code)) &&
		words.every((w) => row.find.includes(w));

	const words = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
	const worst = ["blocked", "unreadable", "attention", "managed", "ready"];
	const address = (row) => (row.ips[0] || "\uffff").replace(/\d+/g, (n) => n.padStart(3, "0"));
	const compare = {
		name: (a, b) => words.compare(a.name, b.name),
		host: (a, b) => words.compare(a.host, b.host),
		state: (a, b) => words.compare(a.state, b.state),
		os: (a, b) => words.compare(a.os, b.os),
		why: (a, b) => words.compare(whyOf(a) || "\uffff", whyOf(b) || "\uffff"),
		ips: (a, b) => (address(a) < address(b) ? -1 : address(a) > address(b) ? 1 : 0),
		verdict: (a, b) => worst.indexOf(a.verdict) - worst.indexOf(b.verdict),
	};
	const number = (key) => (a, b) => (a[key] ?? -1) - (b[key] ?? -1);

	const choose = () => {
		const wanted = fields.text.toLowerCase().split(/\s+/).filter(Boolean);
		shown = rows.filter((row) => matches(row, wanted));
		if (order.key) {
			const by = compare[order.key] || number(order.key);
			shown.sort((a, b) => (order.down ? by(b, a) : by(a, b)) || a.index - b.index);
		}
		drawn = 0;
		body.replaceChildren();
		table.querySelector("table").setAttribute("aria-rowcount", String(shown.length + 1));
		drawMore(STEP);
		say();
	};
	const drawMore = (n) => {
		const fragment = document.createDocumentFragment();
		for (const end = Math.min(drawn + n, shown.length); drawn < end; drawn++) fragment.append(draw(shown[drawn], drawn));
		body.append(fragment);
		more.hidden = drawn >= shown.length;
	};
	const shownAs = { family: "system", mark: "usage", code: "reason" };
	const say = () => {
		const n = (x) => x.toLocaleString("en");
		const active = Object.entries(fields).filter(([, value]) => value).map(([key, value]) => `${shownAs[key] || key} “${value}”`);
		byID("shown").textContent = active.length
			? `${n(shown.length)} of ${n(rows.length)} domains: ${active.join(", ")}`
			: rows.length === 1 ? "1 domain" : `${n(rows.length)} domains`;
	};

	for (const key of Object.keys(fields)) {
		const field = byID(`f-${key}`);
		if (field) field.addEventListener("input", (event) => {
			fields[key] = event.target.value;
			choose();
		});
	}
	form.addEventListener("submit", (event) => event.preventDefault());
	form.addEventListener("reset", () => {
		for (const key of Object.keys(fields)) fields[key] = "";
		choose();
	});
	for (const a of all("a[data-filter]")) {
		a.addEventListener("click", () => {
			form.reset(); // empties the fields, too
			fields[a.dataset.filter] = byID(`f-${a.dataset.filter}`).value = a.dataset.value;
			choose();
			byID("domains").focus();
		});
	}
	for (const head of heads) {
		const title = head.textContent;
		const button = make("button", { type: "button", class: "sort" }, title);
		head.replaceChildren(button, make("span", { class: "paper" }, title)); // a button is not printed on every sheet
		button.addEventListener("click", () => {
			if (order.key !== head.dataset.key) Object.assign(order, { key: head.dataset.key, down: false });
			else if (!order.down) order.down = true;
			else order.key = ""; // as they were found
			for (const h of heads) h.removeAttribute("aria-sort");
			if (order.key) head.setAttribute("aria-sort", order.down ? "descending" : "ascending");
			choose();
		});
	}

	// ---- all of it where all of it is wanted

	more.querySelector("button").addEventListener("click", () => drawMore(Infinity));
	new IntersectionObserver((entries) => {
		if (entries.some((e) => e.isIntersecting)) drawMore(STEP);
	}, { rootMargin: "1000px" }).observe(more);

	let closed = [];
	addEventListener("beforeprint", () => {
		drawMore(Infinity);
		closed = all("details.long:not([open])");
		for (const d of closed) d.open = true;
	});
	addEventListener("afterprint", () => {
		for (const d of closed) d.open = false;
	});
	byID("print").addEventListener("click", () => print());

	for (const e of [form, table, byID("shown")]) e.hidden = false;
	choose();
})();
