namespace Kuguru.Ike;

/// <summary>
/// How many pre-shared keys are tried on messages that nobody can read (IKEv1's main mode names its sender only under the right key). A trial that finds the
/// key is free; what is tried in vain comes off an account of the address that it came from, and off one of everybody's. Who has used his up is still tried
/// with the likeliest few, so that neither a stranger with many addresses nor a misconfigured neighbour behind the same NAT keeps others out.
/// </summary>
public sealed class KeyTrials
{
    /// <summary>Keys that one message is tried with, and those that it always is.</summary>
    public const int Most = 1024, Few = 16;

    /// <summary>Keys in vain that an address may cost at once, and each second after that.</summary>
    const int BurstOfOne = 8 * Most, PaceOfOne = 512;

    /// <summary>The same for all addresses together; a trial takes some ten microseconds.</summary>
    const int BurstOfAll = 32 * Most, PaceOfAll = 8192;

    /// <summary>Addresses that are remembered; those that owe least are forgotten first.</summary>
    const int MaxAddresses = 1024;

    readonly Dictionary<IpAddress, Debt> _debts = [];
    Debt _all;

    readonly record struct Debt(double Keys, Instant At)
    {
        public double Left(Instant now, int pace) => Math.Max(0, Keys - (now - At).TotalSeconds * pace);
    }

    /// <summary>With how many keys a message from there may be tried.</summary>
    public int Allowed(Instant now, IpAddress from)
    {
        var one = _debts.TryGetValue(Whose(from), out var debt) ? debt.Left(now, PaceOfOne) : 0;
        var left = Math.Min(BurstOfOne - one, BurstOfAll - _all.Left(now, PaceOfAll));
        return Math.Clamp((int)left, Few, Most);
    }

    /// <summary>So many keys have been tried in vain.</summary>
    public void Spend(Instant now, IpAddress from, int keys)
    {
        var who = Whose(from);
        _debts[who] = new((_debts.TryGetValue(who, out var debt) ? debt.Left(now, PaceOfOne) : 0) + keys, now);
        _all = new(_all.Left(now, PaceOfAll) + keys, now);
        if (_debts.Count > MaxAddresses)
            _debts.Remove(_debts.MinBy(pair => pair.Value.Left(now, PaceOfOne)).Key);
    }

    /// <summary>A host has a whole /64 of IPv6 addresses to choose from.</summary>
    static IpAddress Whose(IpAddress from) => from.IsV6 ? from.First(64) : from;
}
