using Kuguru.Nat;

namespace Kuguru.Ike;

/// <summary>How much an event matters; the order is that of strongSwan's log levels turned around.</summary>
public enum Severity { Debug, Info, Warning, Error }

/// <summary>The part of IPsec that an event is about, with strongSwan's three-letter names in VICI's <c>log</c> events.</summary>
public enum Subject { Daemon, Ike, Child, Network, Config, Encoding, Esp }

/// <summary>
/// Something that happened, as data and as a sentence. What a user reads (log, VICI <c>errmsg</c>, exit text) is <see cref="Sentence"/>:
/// it names what, where and, where there is a cure, what to do. It never holds a secret.
/// </summary>
public abstract record Event
{
    public virtual Severity Severity => Severity.Info;
    public virtual Subject Subject => Subject.Ike;

    /// <summary>The IKE SA that it is about, if there is one: unique ID and connection name.</summary>
    public SaName? Sa { get; init; }
    public abstract string Sentence { get; }
    public sealed override string ToString() => Sentence;

    /// <summary>A step worth a log line and nothing else.</summary>
    public sealed record Note(Severity Level, Subject About, string Text) : Event
    {
        public override Severity Severity => Level;
        public override Subject Subject => About;
        public override string Sentence => Text;
    }

    public sealed record IkeUp(IkeSaStatus Status) : Event
    {
        public override string Sentence => $"IKE_SA {Status.Name}[{Status.UniqueId}] established between "
            + $"{Status.Path.Local.Address}[{Status.LocalId}]...{Status.Path.Remote.Address}[{Status.RemoteId}]";
    }

    /// <summary>An IKE SA is gone; <paramref name="Why"/> says by whom and why.</summary>
    public sealed record IkeDown(IkeSaStatus Status, string Why) : Event
    {
        public override string Sentence => $"IKE_SA {Status.Name}[{Status.UniqueId}] closed: {Why}";
    }

    public sealed record IkeRekeyed(IkeSaStatus Old, IkeSaStatus New) : Event
    {
        public override string Sentence => $"IKE_SA {Old.Name}[{Old.UniqueId}] rekeyed as [{New.UniqueId}]";
    }

    public sealed record ChildUp(IkeSaStatus Status, ChildSaStatus Child) : Event
    {
        public override Subject Subject => Subject.Child;
        public override string Sentence => $"CHILD_SA {Child.Name}{{{Child.UniqueId}}} established with SPIs {Child.InboundSpi}_i {Child.OutboundSpi}_o "
            + $"and TS {string.Join(' ', Child.LocalSelectors)} === {string.Join(' ', Child.RemoteSelectors)}";
    }

    public sealed record ChildDown(IkeSaStatus Status, ChildSaStatus Child) : Event
    {
        public override Subject Subject => Subject.Child;
        public override string Sentence => $"CHILD_SA {Child.Name}{{{Child.UniqueId}}} closed";

        /// <summary>What is to be done now: by its <c>close_action</c> or <c>dpd_action</c>, if it is one of those that ended it.</summary>
        public CloseAction Next { get; init; }
    }

    public sealed record ChildRekeyed(IkeSaStatus Status, ChildSaStatus Old, ChildSaStatus New) : Event
    {
        public override Subject Subject => Subject.Child;
        public override string Sentence => $"CHILD_SA {Old.Name}{{{Old.UniqueId}}} rekeyed as {{{New.UniqueId}}}";
    }

    /// <summary>The first verdict of an IKE SA, and each later one that differs.</summary>
    public sealed record NatDetected(NatVerdict Verdict, Path Path) : Event
    {
        public override Subject Subject => Subject.Network;
        public override string Sentence => Verdict.Explain(Path);
    }

    /// <summary>
    /// An IKE SA has another path: the peer's endpoint followed an authenticated packet (RFC 7296 section 2.23), or one of the two has moved
    /// (RFC 4555).
    /// </summary>
    public sealed record Moved(Path Old, Path New, MoveCause Cause) : Event
    {
        public bool ByEsp => Cause == MoveCause.Esp;
        public override Subject Subject => Subject.Network;
        public override string Sentence => Cause switch
        {
            MoveCause.Ike => $"peer moved from {Old.Remote} to {New.Remote} (IKE packet)",
            MoveCause.Esp => $"peer moved from {Old.Remote} to {New.Remote} (ESP packet)",
            MoveCause.Silence => $"peer moved from {Old.Remote}, where it is silent, to {New.Remote}",
            MoveCause.Update => $"peer moved from {Old.Remote} to {New.Remote} (MOBIKE)",
            MoveCause.Us => $"we moved from {Old} to {New}",
        };
    }

    /// <summary>Something failed that somebody asked for or a peer tried: one line with what, where and what to do.</summary>
    public sealed record Failed(Failure Failure) : Event
    {
        public override Severity Severity => Severity.Error;
        public override string Sentence => Failure.Sentence;
    }

    /// <summary>An order (initiate, terminate, rekey) is done; no failure means success.</summary>
    public sealed record OrderDone(ulong Token, Failure? Failure) : Event
    {
        public override Severity Severity => Severity.Debug;
        public override string Sentence => Failure?.Sentence ?? "done";
    }
}

/// <summary>Why an IKE SA has another path: an IKE message or ESP packet of the peer's from elsewhere, its silence where it was, its UPDATE_SA_ADDRESSES, or our own network.</summary>
public enum MoveCause { Ike, Esp, Silence, Update, Us }

/// <summary>An IKE SA's unique ID and its connection's name, as <c>gw[3]</c>.</summary>
public readonly record struct SaName(uint UniqueId, string Name)
{
    public override string ToString() => $"{Name}[{UniqueId}]";
}

/// <summary>Why something did not come up: a stable code for programs and one line for people.</summary>
/// <param name="Code">Stable; see docs/interop.md.</param>
/// <param name="Sentence">What failed, with whom, and what to do about it: however long the names are that a peer has, no longer than this.</param>
public sealed record Failure(FailureCode Code, string Sentence)
{
    const int MaxLength = 2000;

    public string Sentence { get; } = Sentence.Length <= MaxLength ? Sentence : $"{Sentence.AsSpan(0, MaxLength)} ...";
}

/// <summary>Stable names of failures; each has one cure in docs/nat.md or docs/interop.md.</summary>
public enum FailureCode
{
    /// <summary>No answer at all from the peer.</summary>
    Unreachable,

    /// <summary>IKE_SA_INIT was answered, what follows on the NAT port is not: a filter (<c>udp-blocked</c>).</summary>
    NatPortBlocked,

    /// <summary>What goes out as IP protocol 50 or 51 has no echo (<c>esp-no-ports</c>).</summary>
    ProtocolBlocked,
    NoProposalChosen,
    AuthenticationFailed,
    UnknownIdentity,
    NoSharedKey,

    /// <summary>We have no private key for who we are to be.</summary>
    NoPrivateKey,

    /// <summary>The peer's certificate is none, not its own, not valid or not trusted.</summary>
    BadCertificate,
    TrafficSelectorsUnacceptable,
    AddressUnavailable,
    InvalidMessage,
    Refused,
    UnknownConnection,
    Aborted,
    TimedOut,
}
