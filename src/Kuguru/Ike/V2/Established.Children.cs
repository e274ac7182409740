using System.Collections.Immutable;
using Kuguru.Crypto;
using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

// The children of an IKE SA: what the packet path is told, and what each child needs as time goes by.
sealed partial class Established
{
    readonly List<Child> _children = [];

    public IReadOnlyList<Child> Children => _children;
    public override IEnumerable<Spi> InboundSpis => _children.Select(child => child.Sa.InboundSpi);

    public override bool HasChild(string name) => _children.Any(child => child.Sa.Config.Name == name && !child.IsWaning)
        || _queue.Append(_current).OfType<NewChild>().Any(errand => errand.Config.Name == name);

    /// <summary>What "dynamic" means at each end by now.</summary>
    public Ends Ends(Path path) => new(
        Configuration.Ours.IsEmpty ? [path.Local.Address] : Configuration.Ours,
        Configuration.Leased.IsEmpty ? [path.Remote.Address] : [.. Configuration.Leased.Select(lease => lease.Address)]);

    /// <summary>What a peer may ask for.</summary>
    public ImmutableArray<Scope> Scopes(Path path) => [.. Connection.Children.Select(child => Scope.Of(child, Ends(path)))];

    /// <summary>
    /// Makes a child of what was agreed and puts it to use.
    /// </summary>
    /// <param name="t">The turn.</param>
    /// <param name="agreement">Selectors, algorithms, and the peer's SPI.</param>
    /// <param name="inbound">Our SPI.</param>
    /// <param name="nonces">Of the exchange.</param>
    /// <param name="shared">Of its key exchange, if it had one.</param>
    /// <param name="byUs">We asked.</param>
    /// <param name="replaced">The generation before.</param>
    /// <param name="isInboundOnly">It is not sent with yet: the peer wants it in the place of another, or it is redundant.</param>
    public Child Add(
        Turn t, ChildNegotiation.Agreement agreement, Spi inbound, Nonces nonces, Secret? shared, bool byUs, Child? replaced, bool isInboundOnly = false)
    {
        var (suite, config) = (agreement.Choice.EspSuite, agreement.Config);
        var keys = Keying.DeriveChild(suite, shared, nonces);
        var (ours, theirs) = byUs ? (keys.FromInitiator, keys.FromResponder) : (keys.FromResponder, keys.FromInitiator);
        var reqId = replaced is not null && _children.Contains(replaced)
            ? replaced.ReqId : new ReqIdUse(t.Node.ReqIdFor(Connection, config, agreement.Local, agreement.Remote));
        var sa = new ChildSa
        {
            UniqueId = t.Node.NewChildUniqueId(),
            IkeUniqueId = t.Sa.UniqueId,
            ConnectionName = Connection.Name,
            Config = config,
            ReqId = reqId.Number,
            InboundSpi = inbound,
            OutboundSpi = agreement.OutboundSpi,
            Suite = suite,
            KeyExchange = agreement.Choice.KeyExchange,
            InboundKeys = theirs,
            OutboundKeys = ours,
            LocalSelectors = agreement.Local,
            RemoteSelectors = agreement.Remote,
            Path = t.Sa.Path,
            UdpEncapsulated = t.Sa.Nat.Encapsulate,
            Usage = new SaUsage(),
        };
        var child = new Child(sa, reqId.Use(), t.Now, t.Node.Dice.Fraction()) { IsInboundOnly = isInboundOnly };
        _children.Add(child);
        Reveal(t, sa);
        t.Add(new Effect.InstallSa(sa, child.IsInboundOnly));
        return child;
    }

    public Payload.Notify RefuseChild(Turn t, ChildNegotiation.Judgement judgement)
    {
        t.Report(new Event.Failed(new Failure(judgement.Refusal switch
        {
            NotifyType.NoProposalChosen => FailureCode.NoProposalChosen,
            NotifyType.TsUnacceptable => FailureCode.TrafficSelectorsUnacceptable,
            // Judge gives no other reason than a message that lacks something.
            _ => FailureCode.InvalidMessage,
        }, $"sending {Notation.Name(judgement.Refusal)} to {RemoteId}: {judgement.Why}")));
        return new Payload.Notify(judgement.Refusal);
    }

    /// <summary>Without the notify in the answer it is tunnel mode (RFC 7296 section 1.3.1).</summary>
    public void NoteTransportMode(Turn t, IkeMessage request)
    {
        if (request.Has(NotifyType.UseTransportMode))
            t.Note(Severity.Info, Subject.Child, $"{RemoteId} asks for transport mode, which is not supported: answering with tunnel mode");
    }

    /// <summary>A child is over. One that has been replaced goes silently, and hands over to its successor.</summary>
    public void Remove(Turn t, Child child, CloseAction next)
    {
        if (!_children.Remove(child))
            return;
        child.State = ChildState.Deleted;
        if (child.Successor is { } successor && _children.Contains(successor))
            Use(t, successor);
        t.Add(new Effect.RemoveSa(child.Sa.InboundSpi));
        child.ReqId.Release(t.Node);
        if (child.Successor is null)
            t.Report(new Event.ChildDown(Describe(t.Sa, t.Sa.Status(t.Now)), child.Status) { Next = next });
    }

    /// <summary>The new generation is agreed: the old one only waits to be deleted.</summary>
    public void Replace(Turn t, Child old, Child next)
    {
        (old.State, old.Successor) = (ChildState.Rekeyed, next);
        t.Report(new Event.ChildRekeyed(Describe(t.Sa, t.Sa.Status(t.Now)), old.Status, next.Status));
    }

    /// <summary>Send with it from now on.</summary>
    static void Use(Turn t, Child child)
    {
        if (!child.IsInboundOnly)
            return;
        child.IsInboundOnly = false;
        t.Add(new Effect.UseSa(child.Sa.InboundSpi));
    }

    public override void EspUsed(Turn t, Spi inbound)
    {
        if (_children.Find(child => child.Sa.InboundSpi == inbound) is { } child)
            Use(t, child);
    }

    public override void Moved(Turn t)
    {
        foreach (var child in _children)
        {
            child.Sa = child.Sa with { Path = t.Sa.Path };
            t.Add(new Effect.MoveSa(child.Sa.InboundSpi, t.Sa.Path, child.Sa.UdpEncapsulated));
        }
    }

    public override void TerminateChild(Turn t, uint child, ulong token, bool force)
    {
        if (_children.Find(one => one.Sa.UniqueId == child) is not { } found)
        {
            t.Done(token, new Failure(FailureCode.Refused, $"there is no CHILD_SA {{{child}}}"));
            return;
        }
        if (!force)
        {
            EnqueueFirst(new DeleteChild(found, token, CloseAction.Clear));
            return;
        }
        Remove(t, found, CloseAction.Clear);
        Enqueue(new DeleteRefused(found.Sa.InboundSpi));
        t.Done(token);
    }

    public override void RekeyChild(Turn t, uint child, ulong token)
    {
        if (_children.Find(one => one.Sa.UniqueId == child && one.State == ChildState.Installed) is { } found)
            Rekey(found, token);
        else
            t.Done(token, new Failure(FailureCode.Refused, $"there is no CHILD_SA {{{child}}} that could be rekeyed"));
    }

    void Rekey(Child child, ulong token)
    {
        child.State = ChildState.Rekeying;
        Enqueue(new RekeyChild(child, token));
    }

    /// <summary>What a child needs now: its end, or new keys.</summary>
    void Look(Turn t, Child child)
    {
        if (!_children.Contains(child) || child.State is ChildState.Deleting)
            return;
        child.Checked(t.Now);
        if (child.IsOver(t.Now))
        {
            // Over means over, also while the window is taken: the peer hears of it when it is free.
            t.Note(Severity.Warning, Subject.Child, $"CHILD_SA {child.Sa.Config.Name}{{{child.Sa.UniqueId}}} has reached its lifetime");
            Remove(t, child, CloseAction.Clear);
            Enqueue(new DeleteRefused(child.Sa.InboundSpi));
        }
        else if (child.State == ChildState.Installed && child.IsWorn(t.Now))
            Rekey(child, token: 0);
    }

    static void Reveal(Turn t, ChildSa sa)
    {
        if (!t.Settings.RevealKeys)
            return;
        foreach (var (spi, keys) in (ReadOnlySpan<(Spi, EspKeys)>)[(sa.InboundSpi, sa.InboundKeys), (sa.OutboundSpi, sa.OutboundKeys)])
        {
            if (Wireshark.Esp(sa.Path.Remote.Address.IsV6, spi, sa.Suite, keys) is { } line)
                t.Add(new Effect.RevealKeys(new KeyTable.Esp(line)));
        }
    }
}
