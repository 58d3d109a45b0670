// src/modules/affiliate.json
var affiliate_default = [
  { network: "cj", parameter: "cjevent", days: 30 },
  { network: "impact", parameter: "irclickid", days: 30 },
  { network: "impact", parameter: "irclid", days: 30 },
  { network: "everflow", parameter: "_ef_transaction_id", days: 30 },
  { network: "awin", parameter: "awc", days: 30 },
  { network: "rakuten", parameter: "ranSiteID", days: 30 },
  { network: "shareasale", parameter: "sscid", days: 30 },
  { network: "partnerize", parameter: "clickref", days: 30 },
  { network: "tradedoubler", parameter: "tduid", days: 30 },
  { network: "admitad", parameter: "admitad_uid", days: 30 },
  { network: "adtraction", parameter: "at_gd", days: 30 },
  { network: "tune", parameter: "transaction_id", with: ["offer_id", "aff_id", "aff_sub"], days: 30 },
  { network: "trackier", parameter: "click_id", with: ["pub_id", "publisher_id", "campaign_id"], days: 30 }
];

// src/modules/lib/text.ts
var parsed = (href, base) => {
  try {
    return new URL(href, base);
  } catch {
    return void 0;
  }
};

// src/modules/lib/matcher.ts
var owned = (text) => text.split(",").map((part) => part.trim().split(":")).filter(([network, parameter, days]) => network && parameter && Number(days || 30) > 0).map(([network, parameter, days]) => ({ network, parameter, days: Number(days || 30) }));
var matcher = (patterns) => {
  const names = patterns.map(({ parameter }) => parameter.replace(/\W/g, "\\$&"));
  const any = new RegExp(`[?&](?:${names.join("|")})=`, "i");
  return (address) => {
    const given = {};
    if (any.test(address)) parsed(address)?.searchParams.forEach((value, name) => given[name.toLowerCase()] = value);
    const id = (name) => given[name.toLowerCase()] || "";
    const found = patterns.find(
      ({ parameter, with: beside }) => /^[!-~]{1,500}$/.test(id(parameter)) && (!beside || beside.some(id))
    );
    return found && { network: found.network, parameter: found.parameter, id: id(found.parameter), days: found.days };
  };
};

// src/modules/affiliate.ts
var KEY = "affiliate";
var affiliate = (api) => {
  const match = matcher([...owned(api.option("affiliate") || ""), ...affiliate_default]);
  const named = (api.option("affiliateEvents") || "").split(/\s*,\s*/);
  let held;
  const click = () => {
    let kept = held;
    try {
      kept = kept || JSON.parse(api.read(KEY) || "null");
    } catch {
    }
    const whole = [kept?.network, kept?.id].every((part) => typeof part === "string");
    if (whole && kept.until > Date.now()) return kept;
    if (kept) api.write(KEY, held = null);
    return void 0;
  };
  api.on("view", (url) => {
    const found = match(url);
    const before = click();
    if (!found || before?.network === found.network && before.id === found.id) return;
    const { network, parameter, id, days } = found;
    held = { network, id, until: Date.now() + days * 864e5 };
    api.write(KEY, JSON.stringify(held));
    api.send("affiliate_click", { network, parameter, click_id: id }, { interactive: false });
  });
  api.on("event", (event) => {
    const kept = event.revenue || named.includes(event.name) ? click() : void 0;
    if (kept) event.props = { ...event.props, affiliate_network: kept.network, affiliate_click_id: kept.id };
  });
};
export {
  affiliate
};
