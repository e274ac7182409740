using System.Collections.Concurrent;
using Kuguru.Ike;
using Kuguru.Linux;
using Microsoft.Extensions.Logging;

namespace Kuguru.Daemon.Vici;

/// <summary>
/// What happens in the node, to those who listen: <c>log</c>, <c>ike-updown</c>, <c>child-updown</c> and their like to everybody who
/// registered, <c>control-log</c> to the client whose order it is about. Called on the loop's thread; never waits.
/// </summary>
sealed class ViciEvents(ViciServer server, ControlLoop loop, ILogger log)
{
    static readonly string[] Names =
    [
        "log", "control-log", "ike-updown", "ike-rekey", "ike-update", "child-updown", "child-rekey", "alert",
        "list-sa", "list-policy", "list-conn", "list-cert", "list-authority",
    ];

    readonly ConcurrentDictionary<Watcher, bool> _watchers = new();

    public void Register()
    {
        foreach (var name in Names)
            server.Event(name);
    }

    /// <summary>Until disposed, what concerns certain IKE SAs goes to this call's client as <c>control-log</c>, up to charon's log level (0 to 4).</summary>
    public IDisposable Watch(ViciCall call, int level, Func<SaName, bool> concerns)
    {
        var watcher = new Watcher(this, call, level, concerns);
        _watchers[watcher] = true;
        return watcher;
    }

    public void Publish(Event what)
    {
        Log(what);
        var now = MonotonicClock.Now;
        if (what is Event.Moved { Sa: { } sa } moved && server.Listens("ike-update"))
            _ = WithSa("ike-update", sa, status => Update(now, status, moved));
        else if (what is Event.Failed { Failure.Code: var code } && Alert(code) is { } type && server.Listens("alert"))
            _ = WithSa("alert", what.Sa, status => new ViciMessage { { "type", type }, { "ike-sa", status is null ? null : OfIke(now, status) } });
        else if (Message(now, what) is var (name, build) && server.Listens(name))
            server.Raise(name, build());
    }

    /// <summary>For events that do not carry the IKE SA's status: the loop is asked for it, and told apart by null when it has gone.</summary>
    async Task WithSa(string name, SaName? sa, Func<IkeSaStatus?, ViciMessage> build)
    {
        try
        {
            var status = sa is { } known
                ? await loop.Ask((node, now, _) => node.Status(now).FirstOrDefault(s => s.UniqueId == known.UniqueId))
                : null;
            server.Raise(name, build(status));
        }
        catch (Exception e)
        {
            // Nobody awaits an event: a bug in building one would go unseen.
            log.EventFailed(e, name);
        }
    }

    void Log(Event what)
    {
        var (sa, level) = (SaOf(what), Level(what.Severity));
        foreach (var watcher in _watchers.Keys)
        {
            if (level <= watcher.Level && sa is { } known && watcher.Concerns(known))
                watcher.Call.Post("control-log", Line(what, sa, level, withThread: false));
        }
        if (level <= 1 && server.Listens("log"))
            server.Raise("log", Line(what, sa, level, withThread: true));
    }

    static ViciMessage Line(Event what, SaName? sa, int level, bool withThread) => new()
    {
        { "group", Group(what.Subject) },
        { "level", level },
        { "thread", withThread ? 1 : null },
        { "ikesa-name", sa?.Name },
        { "ikesa-uniqueid", sa?.UniqueId },
        { "msg", what.Sentence },
    };

    /// <summary>The event that this is besides a line of log, built only when somebody listens.</summary>
    static (string Name, Func<ViciMessage> Build)? Message(Instant now, Event what) => what switch
    {
        Event.IkeUp up => ("ike-updown", () => new ViciMessage { { "up", "yes" }, { up.Status.Name, SaWriter.Ike(up.Status, now) } }),
        Event.IkeDown down => ("ike-updown", () => new ViciMessage { { down.Status.Name, SaWriter.Ike(down.Status with { State = IkeState.Deleting }, now) } }),
        Event.IkeRekeyed rekeyed => ("ike-rekey", () => new ViciMessage
        {
            { rekeyed.Old.Name, new ViciMessage { { "old", SaWriter.Ike(rekeyed.Old, now) }, { "new", SaWriter.Ike(rekeyed.New, now) } } },
        }),
        Event.ChildUp up => ("child-updown", () => OfChild(now, "yes", up.Status, SaWriter.Name(up.Child), SaWriter.Child(up.Child, now))),
        Event.ChildDown down => ("child-updown", () => OfChild(now, null, down.Status, SaWriter.Name(down.Child), SaWriter.Child(down.Child, now))),
        Event.ChildRekeyed rekeyed => ("child-rekey", () => OfChild(now, null, rekeyed.Status, rekeyed.Old.Name, new ViciMessage
        {
            { "old", SaWriter.Child(rekeyed.Old, now) },
            { "new", SaWriter.Child(rekeyed.New, now) },
        })),
        _ => null,
    };

    static ViciMessage OfIke(Instant now, IkeSaStatus sa) => new() { { sa.Name, SaWriter.Ike(sa, now) } };

    static ViciMessage OfChild(Instant now, string? up, IkeSaStatus sa, string name, ViciMessage child)
    {
        var body = SaWriter.Ike(sa, now);
        body.Add("child-sas", new ViciMessage { { name, child } });
        return new ViciMessage { { "up", up }, { sa.Name, body } };
    }

    /// <summary>The new endpoints outside, the IKE SA with the old ones inside.</summary>
    static ViciMessage Update(Instant now, IkeSaStatus? sa, Event.Moved moved)
    {
        var message = new ViciMessage
        {
            { "local-host", moved.New.Local.Address.ToString() },
            { "local-port", moved.New.Local.Port },
            { "remote-host", moved.New.Remote.Address.ToString() },
            { "remote-port", moved.New.Remote.Port },
        };
        if (sa is not null)
            message.Add(sa.Name, SaWriter.Ike(sa with { Path = moved.Old }, now));
        return message;
    }

    static SaName? SaOf(Event what) => what.Sa ?? what switch
    {
        Event.IkeUp up => Of(up.Status),
        Event.IkeDown down => Of(down.Status),
        Event.IkeRekeyed rekeyed => Of(rekeyed.New),
        Event.ChildUp up => Of(up.Status),
        Event.ChildDown down => Of(down.Status),
        Event.ChildRekeyed rekeyed => Of(rekeyed.Status),
        _ => null,
    };

    static SaName Of(IkeSaStatus sa) => new(sa.UniqueId, sa.Name);

    /// <summary>charon's levels: 0 is always told, 1 is the flow of things, 2 is for diagnosis.</summary>
    static int Level(Severity severity) => severity switch
    {
        Severity.Debug => 2,
        Severity.Info => 1,
        Severity.Warning or Severity.Error => 0,
    };

    static string Group(Subject subject) => subject switch
    {
        Subject.Daemon => "DMN",
        Subject.Ike => "IKE",
        Subject.Child => "CHD",
        Subject.Network => "NET",
        Subject.Config => "CFG",
        Subject.Encoding => "ENC",
        Subject.Esp => "ESP",
    };

    static string? Alert(FailureCode code) => code switch
    {
        FailureCode.Unreachable => "peer-init-unreachable",
        FailureCode.NatPortBlocked => "retransmit-send-timeout",
        FailureCode.NoProposalChosen => "proposal-mismatch-ike",
        FailureCode.AuthenticationFailed or FailureCode.UnknownIdentity or FailureCode.BadCertificate => "peer-auth-failed",
        FailureCode.NoSharedKey or FailureCode.NoPrivateKey => "local-auth-failed",
        FailureCode.TrafficSelectorsUnacceptable => "ts-mismatch",
        FailureCode.AddressUnavailable => "vip-failure",
        FailureCode.InvalidMessage => "parse-error-body",
        FailureCode.TimedOut => "half-open-timeout",
        FailureCode.ProtocolBlocked or FailureCode.Refused or FailureCode.UnknownConnection or FailureCode.Aborted => null,
    };

    sealed class Watcher(ViciEvents owner, ViciCall call, int level, Func<SaName, bool> concerns) : IDisposable
    {
        public ViciCall Call => call;
        public int Level => level;
        public bool Concerns(SaName sa) => concerns(sa);
        public void Dispose() => owner._watchers.TryRemove(this, out _);
    }
}
