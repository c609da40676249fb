"""What a user may do with one post."""

from igny8.devstack.sandbox.wordpress.blog import Post
from igny8.devstack.sandbox.wordpress.calls import Call


def may_change(call: Call, post: Post, act: str = "edit") -> bool:
    """Whether the user may `edit` or `delete` it."""
    things = "pages" if post.kind == "page" else "posts"
    status = post.before_trash[0] if post.before_trash else post.status
    needed = {f"{act}_{things}"}
    own = call.user is not None and call.user.id == post.author
    if not own:
        needed.add(f"{act}_others_{things}")
    if status in ("publish", "future"):
        needed.add(f"{act}_published_{things}")
    elif status == "private" and not own:
        needed.add(f"{act}_private_{things}")
    return all(call.may(capability) for capability in needed)


def may_read(call: Call, post: Post) -> bool:
    """Published ones are everybody's, and files that hang on none."""
    if post.status == "inherit":
        above = call.blog.posts.get(post.parent)
        return above is None or may_read(call, above)
    if post.status == "publish":
        return True
    if post.status == "private":
        own = call.user is not None and call.user.id == post.author
        return own or call.may("read_private_pages" if post.kind == "page" else "read_private_posts")
    return may_change(call, post)
