"""PostgreSQL: no two organisations begin at the same place of a tree; proved when the transaction ends.

An exclusion, not a unique constraint: what a unique index covers is a key in PostgreSQL's eyes, so numbering the tree
anew would lock every organisation against the foreign keys of whoever confirms a review beside it (and each has
waited for the other: "deadlock detected"). SQLite cannot put it off to the end; there `orgs.tree.prove` alone watches.
"""

from django.db import migrations

ADD = (
    "ALTER TABLE orgs_organization ADD CONSTRAINT org_lft_unique "
    "EXCLUDE USING btree (tree_id WITH =, lft WITH =) DEFERRABLE INITIALLY DEFERRED"
)


def add(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(ADD)


def remove(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE orgs_organization DROP CONSTRAINT org_lft_unique")


class Migration(migrations.Migration):
    dependencies = [("orgs", "0002_scheme_aqsiq_2010")]

    operations = [migrations.RunPython(add, remove)]
