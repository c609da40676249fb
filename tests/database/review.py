"""The review document of the second wall: who may do what to which rows of which table. The catalog must equal it.

A new table is added here by hand; a privilege that is not written here fails the tests.
"""

ALL = "SELECT, INSERT, UPDATE, DELETE"
READ = "SELECT"

#: Table -> login role -> privileges; columns in brackets where it is not all of them.
PRIVILEGES: dict[str, dict[str, str]] = {
    "account": {
        "app": "SELECT, INSERT (id, name, slug, status), UPDATE (name, slug, status, updated_at)",
        "member": READ,
        "signin": READ,
        "system": ALL,
    },
    "ai_call": {"app": "SELECT, INSERT, UPDATE", "system": "SELECT, UPDATE, DELETE"},
    "ai_prompt": {"app": ALL, "system": ALL},
    "ai_prompt_version": {"app": ALL, "system": ALL},
    "alembic_version": {"app": READ, "system": READ},
    "app_user": {
        "app": ALL,
        "member": "SELECT, UPDATE (email, email_key, email_verified, name, updated_at)",
        "signin": READ,
        "system": ALL,
    },
    "author_profile": {"app": ALL, "member": READ, "system": ALL},
    "change": {"app": "SELECT, INSERT", "member": "INSERT", "system": ALL},
    "change_counter": {"app": "SELECT, INSERT, UPDATE", "member": "SELECT, INSERT, UPDATE", "system": ALL},
    "cluster": {"app": ALL, "member": ALL, "system": ALL},
    "content": {"app": ALL, "member": ALL, "system": ALL},
    "content_generation": {"app": "SELECT, INSERT, UPDATE", "member": READ, "system": ALL},
    "content_idea": {"app": ALL, "member": ALL, "system": ALL},
    "content_revision": {"app": "SELECT, INSERT", "member": "SELECT, INSERT", "system": ALL},
    "credential": {
        "app": "INSERT, UPDATE, DELETE, SELECT (account_id, user_id)",
        "member": "INSERT, UPDATE, SELECT (account_id, user_id)",
        "signin": READ,
        "system": ALL,
    },
    "credit_entry": {"app": "SELECT, INSERT", "member": "INSERT", "system": "SELECT, INSERT"},
    "credit_hold": {
        "app": "SELECT, INSERT, UPDATE (state, captured, settled_at)",
        "member": "SELECT, INSERT, UPDATE (state, captured, settled_at)",
        "system": "SELECT, INSERT, UPDATE (state, captured, settled_at)",
    },
    "credit_price": {"app": READ, "member": READ, "signin": READ, "system": ALL},
    "credit_usage": {"app": "SELECT, INSERT", "system": "SELECT, INSERT"},
    "idempotency_key": {"app": ALL, "member": "SELECT, INSERT, UPDATE", "system": ALL},
    "idea_keyword": {"app": ALL, "member": ALL, "system": ALL},
    "image": {"app": ALL, "member": ALL, "system": ALL},
    "industry": {"app": READ, "member": READ, "signin": READ, "system": ALL},
    "industry_sector": {"app": READ, "member": READ, "signin": READ, "system": ALL},
    "integration_settings": {
        "app": ALL,
        "member": "SELECT (account_id, base_url, has_api_key, integration_type, is_active)",
        "system": ALL,
    },
    "job": {"app": "SELECT, INSERT, UPDATE", "member": "SELECT, INSERT, UPDATE", "system": ALL},
    "job_event": {"app": "SELECT, INSERT", "member": "SELECT, INSERT", "system": ALL},
    "job_item": {"app": "SELECT, INSERT, UPDATE", "member": "SELECT, INSERT, UPDATE", "system": ALL},
    "job_result": {"app": "SELECT, INSERT", "member": READ, "system": ALL},
    "keyword": {"app": ALL, "member": ALL, "system": ALL},
    "keyword_cluster": {"app": ALL, "member": ALL, "system": ALL},
    "limit_usage": {"app": "SELECT, INSERT, UPDATE", "member": "SELECT, INSERT, UPDATE", "system": ALL},
    "mail": {"app": "INSERT", "member": "INSERT", "system": ALL},
    "mail_token": {"app": ALL, "member": "SELECT, INSERT, DELETE", "signin": READ, "system": ALL},
    "plan": {"app": READ, "member": READ, "signin": READ, "system": ALL},
    "prompt_kind": {"app": READ, "member": READ, "signin": READ, "system": ALL},
    "refresh_token": {"app": ALL, "signin": READ, "system": ALL},
    "sector": {"app": ALL, "member": READ, "system": ALL},
    "seed_keyword": {"app": READ, "member": READ, "signin": READ, "system": ALL},
    "session": {"app": ALL, "member": "SELECT, UPDATE (revoked_at)", "signin": READ, "system": ALL},
    "site": {
        "app": ALL,
        "member": (
            "SELECT (account_id, created_at, domain, has_wp_app_password, id, industry_id, language, name, slug,"
            " status, timezone, updated_at, wp_url, wp_username)"
        ),
        "system": ALL,
    },
    "site_user_access": {"app": ALL, "member": READ, "system": ALL},
    "strategy": {"app": ALL, "member": READ, "system": ALL},
    "subscription": {"app": ALL, "member": READ, "signin": READ, "system": ALL},
    "task": {"app": ALL, "member": ALL, "system": ALL},
    "task_keyword": {"app": ALL, "member": ALL, "system": ALL},
    "wallet": {
        "app": "SELECT, INSERT, UPDATE",
        "member": "SELECT, UPDATE (balance, held, entries)",
        "system": ALL,
    },
}

#: What else than the account binds editors and viewers: the rows they meet. (Tables that are not here: nothing else.)
MEMBER_ROWS = {
    "cluster": "(site_id = :sites)",
    "content": "(site_id = :sites)",
    "content_generation": "(site_id = :sites)",
    "content_idea": "(site_id = :sites)",
    "content_revision": "(site_id = :sites)",
    "credential": "(user_id = :user)",
    "idea_keyword": "(site_id = :sites)",
    "image": "(site_id = :sites)",
    "job": "(scope_id = :sites)",
    "job_event": "(scope_id = :sites)",
    "job_item": "(scope_id = :sites)",
    "job_result": "(scope_id = :sites)",
    "keyword": "(site_id = :sites)",
    "keyword_cluster": "(site_id = :sites)",
    "mail_token": "(user_id = :user)",
    "sector": "(site_id = :sites)",
    "session": "(user_id = :user)",
    "site": "(id = :sites)",
    "site_user_access": "(user_id = :user)",
    "strategy": "CASE WHEN (site_id IS NULL) THEN true ELSE (site_id = :sites) END",
    "task": "(site_id = :sites)",
    "task_keyword": "(site_id = :sites)",
}

#: What binds the rows that they write, where it is more than that.
MEMBER_WRITES = {
    "app_user": "(id = :user)",
    "change": "CASE WHEN (site_id IS NULL) THEN true ELSE (site_id = :sites) END",
    "credit_entry": "(transaction_type = 'DEDUCTION'::text)",
}

#: Indexes that do not lead with the account, and why that is right.
NOT_LED_BY_ACCOUNT = {
    "uq_account_is_system": "there is one system account, whoever makes it",
    "uq_account_slug": "slugs are unique over all accounts, and sign-in asks for them",
    "ix_app_user_signin": "sign-in knows an address before it knows the account",
    "uq_refresh_token_digest": "the digest is all that a caller brings",
    "uq_mail_token_digest": "the digest is all that a caller brings",
    "ix_ai_call_server_spending": "the cap of the server's keys is over all accounts",
    "ix_mail_due": "the sender works across accounts",
    "ix_job_lease_until": "the reaper works across accounts",
    "ix_job_prunable": "pruning works across accounts",
    "ix_subscription_due": "periods begin across accounts",
}

#: References between rows of sites that do not say the site, and why that is right.
WITHOUT_SITE = {
    "fk_task_account_id_strategy_id": "most strategies are of the whole account; one of another site shows nothing",
}
