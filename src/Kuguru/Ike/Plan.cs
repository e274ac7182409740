using System.Collections.Immutable;

namespace Kuguru.Ike;

/// <summary>A child to bring up and who waits for it; token 0 is nobody.</summary>
public readonly record struct ChildRequest(ChildConfig Child, ulong Token);

/// <summary>What an initiator is to bring up: an IKE SA with these children, or, if there are none, by itself (RFC 6023).</summary>
public sealed record Plan(Connection Connection, ImmutableArray<ChildRequest> Children)
{
    static readonly TimeSpan ShortestPause = TimeSpan.FromSeconds(5), LongestPause = TimeSpan.FromMinutes(5);

    /// <summary>The how-manieth time it is tried.</summary>
    public int Attempt { get; init; } = 1;

    /// <summary>Who waits for the IKE SA itself; 0 is nobody.</summary>
    public ulong Token { get; init; }

    /// <summary>The IKE SA that the new one takes the place of (reauthentication, make before break); it is closed when all children are up.</summary>
    public IkeSession? Replaces { get; init; }

    /// <summary>The virtual addresses that we have and want to keep.</summary>
    public ImmutableArray<IpAddress> VirtualAddresses { get; init; } = [];

    public IEnumerable<ulong> Tokens => Children.Select(child => child.Token).Append(Token).Where(token => token != 0);

    /// <summary>What to ask for: an address that we have instead of any of its family.</summary>
    public ImmutableArray<IpAddress> AddressesToAsk => [.. Connection.VirtualAddresses.Select(wanted => !wanted.IsAny ? wanted
        : VirtualAddresses.Cast<IpAddress?>().FirstOrDefault(have => have!.Value.IsV6 == wanted.IsV6) ?? wanted)];

    /// <summary>
    /// The next attempt after silence, as often as <c>keyingtries</c> allows: who waits goes on waiting. Null is none: what is to replace an IKE SA
    /// is begun again by that one.
    /// </summary>
    public Plan? AfterSilence => Replaces is null && MayTryAgain ? this with { Attempt = Attempt + 1 } : null;

    /// <summary>The next attempt after a refusal: only for what nobody waits for, who waits has been told. Null is none.</summary>
    public Plan? AfterRefusal => Replaces is null && MayTryAgain && Children.Any(child => child.Token == 0)
        ? this with { Attempt = Attempt + 1, Children = [.. Children.Where(child => child.Token == 0)], Token = 0 } : null;

    /// <summary>Before an attempt that follows a refusal; each is longer, and a part of it is left to chance.</summary>
    public TimeSpan Pause(double chance)
    {
        var pause = ShortestPause * Math.Pow(2, Math.Min(Attempt, 8));
        return (pause < LongestPause ? pause : LongestPause) * (1 - chance / 2);
    }

    bool MayTryAgain => Connection.KeyingTries == 0 || Attempt < Connection.KeyingTries;
}
