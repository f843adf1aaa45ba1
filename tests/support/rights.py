"""docs/rights.md: which role may use which route, from what the routes themselves permit."""

from api import create_app
from api.http.routes import EVERYBODY, PERMITS, PUBLIC
from ledger.access.keys import ROLES
from tests.support.routes import of_api

HEAD = """
A key acts in one role. `●` in a column says that a key of that role may use the route. What it
then sees is narrower where the route says so: records of staff are whole for auditors, reviewers,
managers and finance; everybody else sees their own, and those of the members whom they supervise
or whose post one of theirs heads (`heads` of the policy). The history of an order, a case or an
account leaves events that are records of staff out for all others, and `as_of.left_out` says how
many of a page; positions stay, and so do proofs. What is noted before it is shown: records of
staff, what people wrote, evidence, and what the shop takes, lists of orders and cases among it
([threats.md](threats.md)). Roles that do not work with money (warehouse, purchasing, reviewer) read
these lists without their sums, and one order or case whole (R-ACC-11, R-ACC-12). Previews and
refusals keep to this: a preview withholds the rows that its asker may not read in their report, and
a refusal says of a member, a deduction or a month only what is for those who may decide on it.

**Roles come from posts.** The policy in force gives each post a role. `ledger keys issue` gives a
member a key of a role of their posts of that day, or `member`; anybody else `admin`, `auditor` or
`integration` (R-ACC-07, R-ACC-08; before anybody holds a post, any role). A key is held against
the posts at each use, too: once a member has held a post, a key acts only in what their posts give
today, and that of a leaver in nothing (403 `role_not_held`). A key of `system` is an admin's or
opens nothing (R-ACC-09); `ledger doctor` names keys that would not be given out today (R-ACC-10).

**What no role gives.** Who may sign what, apart from whom, and who stands in, is the policy's
`signing` and is asked of the member, not of the key ([policies.md](policies.md)). Who decides on
whose attendance, leave and shifts is asked of posts and supervisors (R-PPL-15).

**The shell is beyond this.** `ledger do --actor` and `ledger report` ask for no key: whoever has
the database may record as anybody, and read everything that is not sealed. The rules about
members, posts and second persons hold for the actor that is named there, roles do not. So give the
shell to those who run the server, and members keys.
""".strip().splitlines()


def rights_md() -> str:
    """The page: a table a noun, a row a route, a column a role."""
    from tests.support.docs import MADE, table, written

    app = create_app()
    nouns: dict[str, list[list[str]]] = {}
    for rule in sorted(of_api(app), key=lambda one: (one.rule, one.endpoint)):
        permitted = PERMITS.get(rule.endpoint)
        if permitted is None or permitted == PUBLIC:
            continue
        method = next(iter((rule.methods or set()) - {"HEAD", "OPTIONS"}))
        noun = rule.endpoint.partition(".")[0]
        nouns.setdefault(noun, []).append([
            f"`{method} {rule.rule}`", *("●" if role in permitted else "" for role in ROLES)])
    lines = ["# Rights", "", MADE, "", *HEAD]
    for noun, rows in sorted(nouns.items()):
        lines += ["", f"## {noun}", "", *table(["route", *ROLES], rows)]
    assert set(ROLES) == set(EVERYBODY)
    return written(lines)
