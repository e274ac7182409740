namespace Kuguru.Engine;

/// <summary>So many at once, then one for each interval that passes.</summary>
sealed class ReportLimit(int burst, TimeSpan interval)
{
    int _used;
    Instant? _since;

    public bool Allows(Instant now)
    {
        var since = _since ??= now;
        var refill = (long)((now - since) / interval);
        if (refill > 0)
            (_used, _since) = ((int)Math.Max(0, _used - refill), since + refill * interval);
        if (_used >= burst)
            return false;
        _used++;
        return true;
    }
}
