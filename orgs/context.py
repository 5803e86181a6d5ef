def seats(request):
    return {}
