"""The one writer of the tree: what it writes is sound, and what would break it is refused."""

from __future__ import annotations

import random

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from orgs import changes, people, tree
from orgs.models import AuditEvent, Organization
from tests import builders

pytestmark = pytest.mark.django_db


@pytest.fixture
def small():
    root = builders.make_org("1", "党组", "总局")
    a = builders.make_org("11", "机关党委", "总局机关", root)
    b = builders.make_org("12", "党组", "直属检验检疫局", root, guidance=True)
    leaf = builders.make_org("111", "党支部", "总局机关", a)
    return {"root": root, "a": a, "b": b, "leaf": leaf}


def fresh(org):
    return Organization.objects.get(pk=org.pk)


def test_children_stand_in_order_then_code(small):
    builders.make_org("10", "党支部", "总局机关", small["a"])
    builders.make_org("19", "党支部", "总局机关", small["a"], order=0)
    builders.make_org("09", "党支部", "总局机关", small["a"], order=5)
    codes = list(Organization.objects.below(fresh(small["a"])).values_list("code", flat=True))
    assert codes == ["10", "111", "19", "09"]
    assert tree.prove() == []


def test_a_guidance_edge_begins_a_domain_and_breaks_the_line_of_leadership(small):
    below = builders.make_org("121", "机关党委", "机关内设机构", small["b"])
    branch = builders.make_org("1211", "党支部", "机关内设机构", below)
    assert fresh(small["b"]).domain_id == small["b"].pk
    assert fresh(small["b"]).led_by_id is None
    assert fresh(branch).domain_id == small["b"].pk
    assert fresh(branch).led_by_id == small["b"].pk, "past the 机关党委"
    assert fresh(small["leaf"]).led_by_id == small["root"].pk


def test_what_hangs_under_a_general_branch_is_led_by_it(small):
    general = builders.make_org("112", "党总支", "总局机关", small["a"])
    branch = builders.make_org("1121", "党支部", "总局机关内设", general)
    assert fresh(branch).led_by_id == general.pk


def test_a_move_takes_everything_below_along_and_tells_the_listeners(small):
    heard = []
    changes.tree_changed.append(lambda old_parents, by: heard.append(dict(old_parents)))
    try:
        tree.move(fresh(small["a"]), under=fresh(small["b"]), by=None)
    finally:
        changes.tree_changed.pop()
    assert heard == [{small["a"].pk: small["root"].pk}]
    assert Organization.objects.below(fresh(small["b"])).filter(pk=small["leaf"].pk).exists()
    assert fresh(small["leaf"]).domain_id == small["b"].pk
    assert tree.prove() == []


def test_an_organisation_may_become_a_root_and_come_back(small):
    tree.move(fresh(small["b"]), under=None, by=None)
    assert fresh(small["b"]).tree_id != fresh(small["root"]).tree_id
    assert tree.prove() == []
    tree.move(fresh(small["b"]), under=fresh(small["root"]), relation="guidance", by=None)
    assert fresh(small["b"]).tree_id == fresh(small["root"]).tree_id
    assert tree.prove() == []


def test_a_cycle_is_refused_and_nothing_is_written(small):
    with pytest.raises(tree.TreeRefused, match="循环"):
        tree.move(fresh(small["root"]), under=fresh(small["leaf"]), by=None)
    assert fresh(small["root"]).parent_id is None
    assert tree.prove() == []


def test_its_own_parent_is_refused(small):
    with pytest.raises(tree.TreeRefused, match="自己"):
        tree.move(fresh(small["a"]), under=fresh(small["a"]), by=None)


def test_nothing_hangs_under_a_branch(small):
    with pytest.raises(tree.TreeRefused, match="党支部"):
        builders.make_org("9", "党总支", "总局机关", small["leaf"])
    with pytest.raises(tree.TreeRefused, match="党支部"):
        tree.update(fresh(small["a"]), {"org_type": "branch"}, by=None)
    assert not Organization.objects.filter(code="9").exists()


def test_a_depth_over_twenty_is_refused(small):
    org = small["a"]
    for level in range(2, 20):
        org = builders.make_org(f"d{level}", "党总支", "总局机关", org)
    with pytest.raises(tree.TreeRefused, match="20"):
        builders.make_org("too-deep", "党支部", "总局机关", org)


def test_place_and_end_have_verbs_of_their_own(small):
    with pytest.raises(ValueError, match="move"):
        tree.update(small["a"], {"parent": None}, by=None)


def test_an_update_keeps_the_name_before_in_the_audit(small):
    tree.update(small["a"], {"name": "新名称"}, by=None)
    event = AuditEvent.objects.filter(verb="修改组织").first()
    assert event.before == {"name": "11机关党委"}
    assert event.after == {"name": "新名称"}


def test_new_ones_may_come_in_any_order_with_parents_among_them(small):
    child = Organization(code="131", name="c", org_type="branch", category=small["a"].category)
    parent = Organization(code="13", name="p", org_type="general_branch", category=small["a"].category)
    child.parent, parent.parent = parent, fresh(small["root"])
    tree.write_many([child, parent], [(fresh(small["leaf"]), {"parent": parent})], by=None)
    assert fresh(child).parent_id == parent.pk
    assert fresh(small["leaf"]).parent_id == parent.pk
    assert tree.prove() == []


def test_dissolving_refuses_while_somebody_depends_on_it(small):
    with pytest.raises(tree.TreeRefused, match="1 个组织"):
        tree.dissolve(small["a"], on=builders.day("2010-09-01"), by=None)
    builders.make_person(branch=small["leaf"])
    with pytest.raises(tree.TreeRefused, match="1 名党员"):
        tree.dissolve(small["leaf"], on=builders.day("2010-09-01"), by=None)


def test_dissolving_ends_posts_and_divisions_of_work_on_the_day(small):
    head = builders.make_person()
    post = builders.make_post(head, small["leaf"])
    tree.dissolve(small["leaf"], on=builders.day("2010-09-01"), by=None)
    post.refresh_from_db()
    assert post.to_on == builders.day("2010-09-01")
    assert Organization.objects.alive(builders.day("2010-08-31")).filter(pk=small["leaf"].pk).exists()
    assert not Organization.objects.alive(builders.day("2010-09-01")).filter(pk=small["leaf"].pk).exists()


def test_what_was_added_by_mistake_is_deleted_and_nothing_else_moves(small):
    mistake = builders.make_org("115", "党支部", "总局机关", small["a"])
    before = list(Organization.objects.exclude(pk=mistake.pk).values())
    tree.delete(mistake, by=None)
    assert list(Organization.objects.values()) == before
    assert tree.prove() == []
    event = AuditEvent.objects.get(verb="删除组织")
    assert (event.object_id, event.before["code"], event.before["parent"]) == (mistake.pk, "115", small["a"].pk)


def test_what_somebody_else_deleted_meanwhile_is_said(small):
    gone = builders.make_org("115", "党总支", "总局机关", small["a"])
    stale = fresh(gone)
    tree.delete(gone, by=None)
    new = Organization(code="1151", name="新", org_type="branch", category=small["a"].category, parent=stale)
    with pytest.raises(tree.TreeRefused, match="上级组织已被别人删除"), transaction.atomic():
        tree.add(new, by=None)
    for write in (
        lambda: tree.update(stale, {"name": "x"}, by=None),
        lambda: tree.move(stale, under=small["b"], by=None),
        lambda: tree.dissolve(stale, on=builders.day("2010-09-01"), by=None),
        lambda: tree.delete(stale, by=None),
    ):
        with pytest.raises(tree.TreeRefused, match="“115党总支”已被别人删除"), transaction.atomic():
            write()
    with pytest.raises(tree.TreeRefused, match="上级组织已被别人删除"), transaction.atomic():
        tree.move(fresh(small["leaf"]), under=stale, by=None)
    assert tree.prove() == []


def test_nothing_is_deleted_while_something_hangs_on_it(small):
    with pytest.raises(tree.TreeRefused, match="“11机关党委”还有 1 个下级组织，不能删除"):
        tree.delete(small["a"], by=None)
    person = builders.make_person(branch=small["leaf"])
    builders.make_post(person, small["leaf"])
    builders.make_bare_record(builders.make_period(), small["root"], of_org=small["leaf"])
    with pytest.raises(tree.TreeRefused, match="还有 1 条任职、1 条点评记录、1 条组织关系，.*请办理撤销"):
        tree.delete(small["leaf"], by=None)
    assert Organization.objects.filter(pk=small["leaf"].pk).exists()
    assert not AuditEvent.objects.filter(verb="删除组织").exists()


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [("lft", 99, "编号"), ("level", 7, "层级"), ("domain_id", 12345, "隶属域"), ("led_by_id", None, "隶属域")],
)
def test_the_proof_finds_what_somebody_else_wrote_and_repair_mends_it(small, field, value, said):
    if field == "lft":
        Organization.objects.filter(pk=small["leaf"].pk).update(lft=value, rght=value + 1)
    else:
        Organization.objects.filter(pk=small["leaf"].pk).update(**{field: value})
    assert any(said in finding for finding in tree.prove())
    assert tree.repair()
    assert tree.prove() == []


def test_a_circle_written_by_force_is_found_and_broken_where_it_hung_before(small):
    Organization.objects.filter(pk=small["a"].pk).update(parent=small["leaf"].pk)
    assert any("循环" in finding for finding in tree.prove())
    mended = tree.repair()
    assert mended.moves == ["“11机关党委”（11）与它的下级互为上级：原上级“111党支部”（111），现改挂到“1党组”（1）之下"]
    assert fresh(small["a"]).parent_id == small["root"].pk
    assert tree.prove() == []
    event = AuditEvent.objects.get(verb="修复组织树", object_id=small["a"].pk)
    assert (event.before, event.after) == ({"parent": "111党支部"}, {"parent": "1党组"})


def test_random_moves_keep_every_range_equal_to_the_parent_links(small):
    rng = random.Random(2010)
    orgs = [builders.make_org(f"r{n}", "党总支", "总局机关", rng.choice([small["a"], small["b"]])) for n in range(12)]
    for _ in range(25):
        org, under = rng.sample(orgs, 2)
        try:
            tree.move(fresh(org), under=fresh(under), by=None)
        except tree.TreeRefused:
            continue
    assert tree.prove() == []
    parents = dict(Organization.objects.values_list("pk", "parent_id"))
    for org in Organization.objects.all():
        naive = {pk for pk in parents if pk != org.pk and org.pk in _line(pk, parents)}
        assert set(Organization.objects.below(org).values_list("pk", flat=True)) == naive


def _line(pk, parents):
    line = []
    while pk is not None:
        line.append(pk)
        pk = parents[pk]
    return line


def test_only_changed_numbers_are_written(small):
    tree.renumber()
    with CaptureQueriesContext(connection) as queries:
        assert tree.renumber() == 0
    assert len(queries) == 1


def test_the_lock_outside_a_transaction_is_an_error():
    connection_in_block = connection.in_atomic_block
    assert connection_in_block
    connection.in_atomic_block = False
    try:
        with pytest.raises(RuntimeError):
            tree.lock()
    finally:
        connection.in_atomic_block = connection_in_block


def test_removing_the_last_post_in_a_team_ends_the_division_of_work(small):
    member = builders.make_person()
    post = builders.make_post(member, small["root"], "成员")
    charge = builders.make_charge(member, small["root"], small["a"])
    people.remove(post, on=builders.day("2010-10-01"), by=None)
    charge.refresh_from_db()
    assert charge.to_on == builders.day("2010-10-01")
