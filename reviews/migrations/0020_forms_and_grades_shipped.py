"""The forms of 二（三） for every scheme there is, the grades of the general one, and the names of forms used so far."""

from django.db import migrations

FORMS = {
    "meeting": "集中点评",
    "individual": "个别点评",
    "on_site": "现场点评",
    "random": "随机点评",
    "topical": "专题点评",
    "other": "其他",
}
# of whom: grades, the best first, with the percentage that should not be passed
GENERAL = {
    "organization": [("好", None), ("较好", None), ("一般", None), ("差", None)],
    "head": [("好", None), ("较好", None), ("一般", None), ("差", None)],
    "member": [("优秀", 33), ("合格", None), ("基本合格", None), ("不合格", None)],
}


def offer(apps, schema_editor):
    """What the scheme's reviewers have chosen from until now; the notice of 2010 has no grades."""
    OfferedForm, Grade = apps.get_model("reviews", "OfferedForm"), apps.get_model("reviews", "Grade")
    for scheme in apps.get_model("orgs", "Scheme").objects.all():
        for order, (code, name) in enumerate(FORMS.items(), start=1):
            OfferedForm.objects.get_or_create(scheme=scheme, code=code, defaults={"name": name, "order": order})
        for of, grades in GENERAL.items() if scheme.code == "general" else ():
            for order, (name, most) in enumerate(grades, start=1):
                Grade.objects.get_or_create(
                    scheme=scheme, of=of, name=name, defaults={"order": order, "most_percent": most}
                )


def name(apps, schema_editor):
    """What was chosen is called what it was called."""
    for model in ("Review", "Assignment", "WorkPlanLine"):
        rows = apps.get_model("reviews", model).objects
        for code, label in FORMS.items():
            rows.filter(form=code).update(form_name=label)
    WorkPlan = apps.get_model("reviews", "WorkPlan")
    for plan in WorkPlan.objects.exclude(forms=[]).only("forms").iterator():
        names = [label for code, label in FORMS.items() if code in plan.forms]
        WorkPlan.objects.filter(pk=plan.pk).update(form_names=names)


class Migration(migrations.Migration):
    dependencies = [("reviews", "0019_forms_and_grades_of_schemes")]

    operations = [
        migrations.RunPython(offer, migrations.RunPython.noop),
        migrations.RunPython(name, migrations.RunPython.noop),
    ]
