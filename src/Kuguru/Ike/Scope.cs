using System.Collections.Immutable;
using Kuguru.Crypto;
using Kuguru.Nat;

namespace Kuguru.Ike;

/// <summary>The addresses that "dynamic" stands for at each end: virtual ones, else those of the path.</summary>
readonly record struct Ends(ImmutableArray<IpAddress> Local, ImmutableArray<IpAddress> Remote)
{
    /// <summary>The path's own, which transport mode is between.</summary>
    public Hosts? Hosts { get; init; }
}

/// <summary>Both ends of an IKE SA as we see them, and which of them are behind a NAT.</summary>
readonly record struct Hosts(IpAddress Local, IpAddress Remote, NatVerdict Nat)
{
    public static Hosts Of(Path path, NatVerdict nat) => new(path.Local.Address, path.Remote.Address, nat);
}

/// <summary>A child and the most that we agree to of it: what its configuration says, or what it already has when it is rekeyed.</summary>
readonly record struct Scope(ChildConfig Config, ImmutableArray<Selector> Local, ImmutableArray<Selector> Remote)
{
    /// <summary>Whom transport mode would be between; null where it is out of the question.</summary>
    public Hosts? Hosts { get; init; }

    /// <summary>What is in the way between both ends.</summary>
    public NatVerdict Nat { get; init; }

    /// <summary>What can be agreed on: AH passes no NAT, since its ICV covers the addresses that a NAT changes (the problem <c>ah-integrity</c>).</summary>
    public ImmutableArray<AlgorithmSet> Proposals =>
        Nat.IsInTheWay ? [.. Config.Proposals.Where(set => set.Kind != ProposalKind.Ah)] : Config.Proposals;

    /// <summary>A NAT leaves nothing to agree on, or less than is configured.</summary>
    public bool LosesAh => Nat.IsInTheWay && Config.Proposals.Any(set => set.Kind == ProposalKind.Ah);

    /// <summary>Why a NAT and AH do not go together, and what does.</summary>
    public static string AhBehindNat(NatVerdict nat, Path path) =>
        $"AH cannot pass {nat.Where(path)}: its integrity check covers the addresses that a NAT changes (ah-integrity); give esp_proposals instead of ah_proposals";

    public static Scope Of(ChildConfig config, Ends ends) =>
        new(config, Narrowing.Resolve(config.LocalSelectors, ends.Local), Narrowing.Resolve(config.RemoteSelectors, ends.Remote))
        {
            Hosts = config.Mode == ChildMode.Transport ? ends.Hosts : null,
            Nat = ends.Hosts?.Nat ?? default,
        };

    /// <summary>Selectors and mode stay when keys change, even if an address behind "dynamic" is another by now.</summary>
    public static Scope Of(ChildSa sa, NatVerdict nat = default) => new(sa.Config, sa.LocalSelectors, sa.RemoteSelectors)
    {
        Hosts = sa.Transport is { } ends ? new(ends.Local, ends.Remote, nat) : null,
        Nat = nat,
    };

    /// <summary>Both ends are single hosts, those of the IKE SA: we can ask for transport mode.</summary>
    public bool IsHostToHost => Hosts is { } hosts && TransportMode.NamedIn(Local) == hosts.Local && TransportMode.NamedIn(Remote) == hosts.Remote;

    /// <summary>A peer's selectors as transport mode means them; null where it cannot be transport mode (RFC 7296 section 2.23.1).</summary>
    public (ImmutableArray<Selector> Local, ImmutableArray<Selector> Remote, TransportEnds Ends)? AsTransport(
        ImmutableArray<Selector> local, ImmutableArray<Selector> remote) =>
        Hosts is { } hosts && TransportMode.Substitute(local, hosts.Local, hosts.Nat.Local) is { } ours
            && TransportMode.Substitute(remote, hosts.Remote, hosts.Nat.Remote) is { } theirs
            ? (ours, theirs, new(hosts.Local, hosts.Remote, remote[0].Range.First, local[0].Range.First)) : null;
}
