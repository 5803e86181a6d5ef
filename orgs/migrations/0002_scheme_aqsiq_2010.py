"""The scheme of the 2010 notice and its unit categories (domain.md 3.1). Its rules come with `reviews`."""

from django.db import migrations

CODE = "aqsiq-2010"
# Name, and whether a 党委 of this category leads a bureau: then it is reviewed by the content for 党组（党委）(A33).
CATEGORIES = [
    ("总局", False),
    ("总局机关", False),
    ("总局机关内设", False),
    ("国家委", False),
    ("国家委机关", False),
    ("直属挂靠单位", False),
    ("直属挂靠单位内设", False),
    ("直属检验检疫局", True),
    ("省级质监局", True),
    ("分支机构", True),
    ("机关内设机构", False),
    ("直属单位", False),
]


def ship(apps, schema_editor):
    scheme = apps.get_model("orgs", "Scheme").objects.create(
        code=CODE,
        name="质检系统领导点评（2010）",
        basis="关于在“以质取胜、创先争优”活动中认真做好领导点评工作的意见",
        activity_name="以质取胜、创先争优",
        system_name="全国质检系统",
        is_active=True,
    )
    category = apps.get_model("orgs", "Category")
    category.objects.bulk_create(
        category(scheme=scheme, name=name, order=order, committee_leads=leads)
        for order, (name, leads) in enumerate(CATEGORIES, start=1)
    )


def take_back(apps, schema_editor):
    apps.get_model("orgs", "Category").objects.filter(scheme__code=CODE).delete()
    apps.get_model("orgs", "Scheme").objects.filter(code=CODE).delete()


class Migration(migrations.Migration):
    dependencies = [("orgs", "0001_initial")]
    operations = [migrations.RunPython(ship, take_back)]
