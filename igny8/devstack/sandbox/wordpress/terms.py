"""Categories and tags."""

from typing import Any, Final

from starlette.responses import JSONResponse, Response

from igny8.devstack.sandbox.wordpress import arguments, texts, views
from igny8.devstack.sandbox.wordpress.arguments import Schema
from igny8.devstack.sandbox.wordpress.blog import Blog, Term
from igny8.devstack.sandbox.wordpress.calls import Call
from igny8.devstack.sandbox.wordpress.faults import BareFault, Fault, denied

_LIST: Final[Schema] = {
    "context": arguments.one_of("view", "embed", "edit"),
    "page": arguments.at_least_one,
    "per_page": arguments.page_size,
    "search": arguments.string,
    "exclude": arguments.integers,
    "include": arguments.integers,
    "offset": arguments.integer,
    "order": arguments.one_of("asc", "desc"),
    "orderby": arguments.one_of(
        "id", "include", "name", "slug", "include_slugs", "term_group", "description", "count"
    ),
    "hide_empty": arguments.boolean,
    "parent": arguments.integer,
    "post": arguments.integer,
    "slug": arguments.strings,
}
_TERM: Final[Schema] = {
    "id": arguments.integer,
    "description": arguments.string,
    "name": arguments.string,
    "slug": arguments.string,
    "parent": arguments.integer,
}


def listed(call: Call, taxonomy: str) -> Response:
    asked = arguments.checked(call.given, _LIST)
    if asked.get("context") == "edit" and not call.may(
        "manage_categories" if taxonomy == "category" else "edit_posts"
    ):
        raise denied("rest_forbidden_context", "edit terms in this taxonomy")
    terms = [term for term in call.blog.of_taxonomy(taxonomy) if _fits(call.blog, term, asked)]
    by = asked.get("orderby", "name")
    terms.sort(
        key=lambda term: (term.id if by == "id" else call.blog.uses(term) if by == "count" else 0, term.name.lower())
    )
    if asked.get("order") == "desc":
        terms.reverse()
    page, per_page = asked.get("page", 1), asked.get("per_page", 10)
    first = asked.get("offset", (page - 1) * per_page)
    shown = (views.term_json(call, term) for term in terms[first : first + per_page])
    return views.listing(call, shown, total=len(terms), page=page, per_page=per_page)


def _fits(blog: Blog, term: Term, asked: dict[str, Any]) -> bool:
    searched = asked.get("search", "").lower()
    post = blog.posts.get(asked.get("post", 0))
    return (
        (searched in term.name.lower() or searched in term.slug)
        and ("slug" not in asked or term.slug in asked["slug"])
        and (not asked.get("include") or term.id in asked["include"])
        and term.id not in asked.get("exclude", [])
        and ("parent" not in asked or term.parent == asked["parent"])
        and (not asked.get("hide_empty") or blog.uses(term) > 0)
        and (post is None or term.id in post.categories + post.tags)
    )


def read(call: Call, taxonomy: str) -> Response:
    return JSONResponse(views.picked(call, views.term_json(call, _found(call, taxonomy))))


def make(call: Call, taxonomy: str) -> Response:
    asked = arguments.checked(call.given, _TERM, ["name"])
    if not call.may("manage_categories" if taxonomy == "category" else "edit_posts"):
        raise denied("rest_cannot_create", "create terms in this taxonomy")
    parent = asked.get("parent", 0)
    if parent and parent not in call.blog.terms:
        raise Fault("rest_term_invalid", "Parent term does not exist.", 400)
    name = texts.term_name(asked["name"])
    if not name:
        raise BareFault("empty_term_name", "A name is required for this term.")
    wanted = texts.slug(asked.get("slug") or asked["name"])
    existing = _existing(call.blog, taxonomy, name, wanted, parent, slug_given=bool(asked.get("slug")))
    if existing is not None:
        where = "with this parent" if taxonomy == "category" else "in this taxonomy"
        message = f"A term with the name provided already exists {where}."
        raise Fault("term_exists", message, 400, {"term_id": existing.id}, additional_data=[existing.id] * 2)
    term = call.blog.new_term(taxonomy, name, _free(call.blog, wanted, parent))
    term.parent, term.description = parent, asked.get("description", "")
    call.blog.terms[term.id] = term
    return views.created(call, views.term_json(call, term))


def change(call: Call, taxonomy: str) -> Response:
    asked = arguments.checked(call.given, _TERM)
    term = _found(call, taxonomy)
    if not call.may("manage_categories"):
        raise denied("rest_cannot_update", "edit this term")
    if "name" in asked:
        term.name = texts.term_name(asked["name"])
    if "slug" in asked:
        term.slug = texts.slug(asked["slug"])
    term.description = asked.get("description", term.description)
    term.parent = asked.get("parent", term.parent)
    return JSONResponse(views.picked(call, views.term_json(call, term)))


def delete(call: Call, taxonomy: str) -> Response:
    force = arguments.checked(call.given, {"force": arguments.boolean}).get("force", False)
    term = _found(call, taxonomy)
    if not call.may("manage_categories"):
        raise denied("rest_cannot_delete", "delete this term")
    if not force:
        raise Fault("rest_trash_not_supported", "Terms do not support trashing. Set 'force=true' to delete.", 501)
    previous = views.term_json(call, term)
    del previous["_links"]
    call.blog.forget_term(term)
    return JSONResponse({"deleted": True, "previous": previous})


def _found(call: Call, taxonomy: str) -> Term:
    number = arguments.checked(call.given, {"id": arguments.integer})["id"]
    term = call.blog.terms.get(number)
    if term is None or term.taxonomy != taxonomy:
        raise Fault("rest_term_invalid", "Term does not exist.", 404)
    return term


def _existing(blog: Blog, taxonomy: str, name: str, slug: str, parent: int, *, slug_given: bool) -> Term | None:
    """The term that this one would repeat: of the same name beside it, unless another slug sets them apart."""
    beside = [term for term in blog.of_taxonomy(taxonomy) if term.parent == parent]
    same_name = next((term for term in beside if term.name.lower() == name.lower()), None)
    same_slug = next((term for term in beside if term.slug == slug), None)
    if same_name is None or (slug_given and same_slug is None):
        return None
    if taxonomy == "category" and same_name.name != name:
        return same_slug
    return same_name


def _free(blog: Blog, wanted: str, parent: int) -> str:
    """`wanted`, or with its parent's slug, or with the first number that is free."""
    taken = {term.slug for term in blog.terms.values()}
    if wanted in taken and parent:
        wanted = f"{wanted}-{blog.terms[parent].slug}"
    free, number = wanted, 1
    while free in taken:
        number += 1
        free = f"{wanted}-{number}"
    return free
