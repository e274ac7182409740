using System.Text;
using Kuguru.Ike;
using Kuguru.Ike.V2;
using Kuguru.Wire;
using Kuguru.Wire.V2;
using Xunit;

namespace Kuguru.Tests.Ike.V2;

/// <summary>What one end may want, out of the blue.</summary>
public enum Want { RekeyChild, RekeyIke, DeleteChild, DeleteIke, NewChild }

/// <summary>
/// Tries every order in which the wishes of two peers and their messages can happen: each step is one choice, to utter the next wish of an end,
/// to deliver any message that is on its way, to lose one, or to let a timer run out; each choice is tried, by running again from the start. What
/// leads to a state that was seen already is not followed further. At the end of each run both ends must be of one mind.
/// </summary>
sealed class Exploration(int seed, Want[] moon, Want[] sun, int losses, int delays)
{
    readonly HashSet<string> _seen = [];
    readonly Stack<int[]> _open = new();

    /// <summary>Runs that were followed to their end.</summary>
    public int Ends { get; private set; }

    public int States => _seen.Count;

    /// <summary>Explores all; the first run that ends badly fails the test with its choices.</summary>
    public void Run()
    {
        _open.Push([]);
        while (_open.TryPop(out var choices))
            Follow(choices);
    }

    void Follow(int[] choices)
    {
        using var run = new OneRun(seed, moon, sun, losses, delays);
        foreach (var choice in choices)
            run.Choose(choice);
        List<int> made = [.. choices];
        while (run.Choices is > 0 and var count)
        {
            if (!_seen.Add(run.State()))
                return;
            for (var other = 1; other < count; other++)
                _open.Push([.. made, other]);
            run.Choose(0);
            made.Add(0);
        }
        Ends++;
        run.Settle();
        if (run.Disagreement() is { } why)
            Assert.Fail($"seed {seed}, moon wants {string.Join(", ", moon)}, sun wants {string.Join(", ", sun)}, choices {string.Join(' ', made)}: {why}\n{run.Story}");
    }
}

/// <summary>Two ends, what each wishes, and the choices that are open now.</summary>
sealed class OneRun : IDisposable
{
    readonly Pair _pair;
    readonly Queue<Want> _moonWants, _sunWants;
    readonly bool _mayEnd;
    readonly Want[] _all;
    readonly Dictionary<ulong, int> _names = [];
    readonly StringBuilder _story = new();
    int _losses, _delays;
    ulong _lastToken = 1;

    public OneRun(int seed, Want[] moon, Want[] sun, int losses, int delays)
    {
        static Connection Long(Connection c) => c with
        {
            RekeyTime = TimeSpan.Zero,
            Children = [.. c.Children.Select(child => child with { Proposals = Configs.Esp("aes128gcm16-esn"), RekeyTime = TimeSpan.Zero })],
        };
        _pair = new Pair(c => Long(c) with { Children = [Long(c).Children[0], More("10.5.0.0/16", "10.6.0.0/16")] },
            c => Long(c) with { Children = [Long(c).Children[0], More("10.6.0.0/16", "10.5.0.0/16")] }, seed: seed).Up();
        _pair.World.Held = [];
        (_moonWants, _sunWants, _losses, _delays, _all) = (new(moon), new(sun), losses, delays, [.. moon, .. sun]);
        _mayEnd = _all.Contains(Want.DeleteIke);
    }

    static ChildConfig More(string local, string remote) => Configs.Child("more", local, remote, "aes128gcm16-esn") with { RekeyTime = TimeSpan.Zero };

    List<(Path Path, Blob Bytes, Host From, Host To)> OnTheWay => _pair.World.Held!;

    /// <summary>What happened, a line a step.</summary>
    public string Story => _story.ToString();

    /// <summary>Deliveries, then wishes, then losses, then a timer. None is open when all is said: then only time is left.</summary>
    public int Choices => OnTheWay.Count + Wants + (_losses > 0 ? OnTheWay.Count : 0) + (_delays > 0 && OnTheWay.Count > 0 ? 1 : 0);

    int Wants => (_moonWants.Count > 0 ? 1 : 0) + (_sunWants.Count > 0 ? 1 : 0);

    public void Choose(int choice)
    {
        var flying = OnTheWay.Count;
        if (choice < flying)
            Deliver(choice);
        else if ((choice -= flying) < Wants)
            Utter(choice == 0 && _moonWants.Count > 0);
        else if ((choice -= Wants) < flying && _losses > 0)
            Lose(choice);
        else
        {
            _delays--;
            _story.AppendLine("a timer runs out");
            _pair.World.Wait();
        }
    }

    /// <summary>Nothing is lost any more, and time passes until nobody has anything left to do.</summary>
    public void Settle()
    {
        for (var steps = 0; steps < 2000; steps++)
        {
            if (OnTheWay.Count > 0)
                Deliver(0);
            else if (!_pair.World.Wait())
                return;
        }
        _story.AppendLine("it never ends");
    }

    /// <summary>What the two ends do not agree about, or what is left that should be gone; null is peace.</summary>
    public string? Disagreement()
    {
        var (moon, sun) = (_pair.Moon, _pair.Sun);
        if (OnTheWay.Count > 0)
            return "there is no end to it";
        foreach (var host in (Host[])[moon, sun])
        {
            if (host.Sessions.FirstOrDefault(session => session.State != IkeState.Established) is { } odd)
                return $"an IKE SA of {host.Address} stays {odd.State}";
            for (var token = 2ul; token <= _lastToken; token++)
            {
                if (host.Events.OfType<Event.OrderDone>().Count(done => done.Token == token) + Other(host).Events.OfType<Event.OrderDone>().Count(done => done.Token == token) != 1)
                    return $"order {token} was not answered once";
            }
            if (host.Receiving.Except(host.Installed.Keys).Count() != host.Receiving.Count)
                return $"{host.Address} has SAs that only receive";
            if (host.Effects.OfType<Effect.InstallSa>().Count() - host.Effects.OfType<Effect.RemoveSa>().Count() != host.Installed.Count)
                return $"{host.Address} has removed an SA twice, or none";
            var children = host.Sessions.SelectMany(session => session.Status(_pair.World.Now).Children).ToList();
            if (children.FirstOrDefault(child => child.State != ChildState.Installed) is { } waning)
                return $"a child of {host.Address} stays {waning.State}";
            if (!children.Select(child => child.InboundSpi).ToHashSet().SetEquals(host.Installed.Keys))
                return $"{host.Address} has {children.Count} children and {host.Installed.Count} pairs of SAs";
            if (host.ReqIds.Count != children.Select(child => child.ReqId).Distinct().Count())
                return $"{host.Address} has {host.ReqIds.Count} reqids for {children.Count} children";
        }
        if (moon.Sessions.Count != sun.Sessions.Count || moon.Sessions.Count > 1)
            return $"there are {moon.Sessions.Count} and {sun.Sessions.Count} IKE SAs";
        if (moon.Sessions.Count == 1 && (moon.Session.LocalSpi, moon.Session.RemoteSpi) != (sun.Session.RemoteSpi, sun.Session.LocalSpi))
            return "the ends have different IKE SAs";
        return Children(moon, sun);
    }

    string? Children(Host moon, Host sun)
    {
        foreach (var mine in moon.Installed.Values)
        {
            if (sun.Installed.Values.FirstOrDefault(sa => sa.InboundSpi == mine.OutboundSpi) is not { } theirs || theirs.OutboundSpi != mine.InboundSpi)
                return $"only one end has the child {mine.InboundSpi}_i {mine.OutboundSpi}_o";
            if (mine.InboundKeys != theirs.OutboundKeys || mine.OutboundKeys != theirs.InboundKeys)
                return $"the keys of {mine.InboundSpi} differ";
            if (IsSentWith(moon, mine.InboundSpi) is false || IsSentWith(sun, theirs.InboundSpi) is false)
                return $"the child {mine.InboundSpi} is not sent with at both ends";
        }
        if (moon.Installed.Count != sun.Installed.Count)
            return $"{moon.Installed.Count} and {sun.Installed.Count} children";
        var nets = moon.Installed.Values.Count(sa => sa.Config.Name == "net");
        if (!_mayEnd && moon.Sessions.Count != 1)
            return "nobody wanted the IKE SA's end";
        if (!_mayEnd && nets != 1 && !_all.Contains(Want.DeleteChild))
            return $"{nets} children 'net', though nobody wanted its end";
        return nets > 1 ? $"{nets} children 'net'" : null;
    }

    /// <summary>Whether the packet path sends with it.</summary>
    static bool IsSentWith(Host host, Spi inbound) =>
        host.Effects.OfType<Effect.InstallSa>().Any(install => install.Sa.InboundSpi == inbound && !install.InboundOnly) || host.Effects.Contains(new Effect.UseSa(inbound));

    Host Other(Host host) => host == _pair.Moon ? _pair.Sun : _pair.Moon;

    void Deliver(int index)
    {
        _story.AppendLine($"{_pair.World.Now} {Describe(OnTheWay[index])}");
        _pair.World.Deliver(index);
    }

    void Lose(int index)
    {
        _losses--;
        _story.AppendLine($"{_pair.World.Now} {Describe(OnTheWay[index])}  lost");
        OnTheWay.RemoveAt(index);
    }

    void Utter(bool byMoon)
    {
        var host = byMoon ? _pair.Moon : _pair.Sun;
        var wish = (byMoon ? _moonWants : _sunWants).Dequeue();
        var token = ++_lastToken;
        _story.AppendLine($"{_pair.World.Now} {(byMoon ? "moon" : "sun")} wants {wish}");
        var now = _pair.World.Now;
        if (host.Sessions.LastOrDefault(session => session.State is IkeState.Established or IkeState.Rekeying) is not { } session)
        {
            // Too late: there is nothing that the wish could be about.
            _lastToken--;
            return;
        }
        var child = session.Status(now).Children.Where(child => child.Name == "net").Select(child => child.UniqueId).LastOrDefault();
        switch (wish)
        {
            case Want.RekeyChild:
                session.RekeyChild(now, child, token, host.Outbox);
                break;
            case Want.DeleteChild:
                session.TerminateChild(now, child, token, force: false, host.Outbox);
                break;
            case Want.RekeyIke:
                session.RekeyIke(now, token, host.Outbox);
                break;
            case Want.DeleteIke:
                session.TerminateIke(now, token, force: false, host.Outbox);
                break;
            case Want.NewChild:
                session.RequestChild(now, host.Connections[0].Children[1], token, host.Outbox);
                break;
        }
        host.Obey();
    }

    /// <summary>Everything that decides what can happen from here on, with small names for random numbers.</summary>
    public string State()
    {
        var text = new StringBuilder();
        text.Append($"{_moonWants.Count} {_sunWants.Count} {_losses} {_delays}");
        foreach (var host in (Host[])[_pair.Moon, _pair.Sun])
        {
            text.Append('|');
            foreach (var session in host.Sessions.Cast<IkeV2Session>())
            {
                var status = session.Status(_pair.World.Now);
                text.Append($"{Name(session.LocalSpi.Value)}{Name(session.RemoteSpi.Value)}{session.Phase.GetType().Name} {string.Join(',', status.TasksQueued)}/{string.Join(',', status.TasksActive)} "
                    + $"{session.Window.Asked?.Id}.{session.Window.Asked?.Resent} {session.Window.NextOut} {session.Window.Answered?.Id} ");
                foreach (var child in status.Children)
                    text.Append($"{child.Name}{Name(child.InboundSpi.Value)}{Name(child.OutboundSpi.Value)}{child.State} ");
            }
            text.AppendJoin(' ', host.Installed.Keys.Select(spi => $"{Name(spi.Value)}{(IsSentWith(host, spi) ? "" : "i")}").Order(StringComparer.Ordinal));
        }
        text.Append('|').AppendJoin(' ', OnTheWay.Select(Describe).Order(StringComparer.Ordinal));
        return text.ToString();
    }

    string Describe((Path Path, Blob Bytes, Host From, Host To) flying)
    {
        if (!IkeMessage.TryParse(flying.Bytes.Span, out var message, out _))
            return "noise";
        var who = flying.From == _pair.Moon ? '>' : '<';
        var inner = "?";
        foreach (var session in flying.To.Sessions.Concat(flying.To.Past).Concat(flying.From.Sessions).OfType<IkeV2Session>())
        {
            if ((session.LocalSpi != message.InitiatorSpi && session.LocalSpi != message.ResponderSpi) || session.Phase is not KeyedPhase phase
                || message.Encrypted is not Payload.SK sk || flying.From.Sessions.Contains(session)
                || !phase.Keying.TryOpen(flying.Bytes.Span, sk, out var plaintext) || !Payload.TryReadChain(sk.FirstInner, plaintext, out var payloads, out _))
                continue;
            inner = string.Join(' ', payloads.Select(payload => payload switch
            {
                Payload.Delete { Protocol: ProtocolId.Esp } delete => $"D({string.Join(',', delete.Spis.Select(spi => Name(spi.Value)))})",
                Payload.Notify { Kind: NotifyType.RekeySa } notify => $"N(REKEY_SA {Name(Spi.From(notify.Spi)!.Value.Value)})",
                Payload.Notify notify => $"N({Notation.Name(notify.Kind)})",
                _ => payload.Type.ToString(),
            }));
        }
        return $"{who} {Name(message.InitiatorSpi.Value)} {Notation.Name(message.Exchange)} {(message.IsResponse ? "response" : "request")} {message.Id} {{ {inner} }}";
    }

    string Name(ulong number)
    {
        if (!_names.TryGetValue(number, out var name))
            _names[number] = name = _names.Count;
        return $"#{name}";
    }

    public void Dispose()
    {
        foreach (var session in _pair.Moon.Sessions.Concat(_pair.Sun.Sessions).OfType<IkeV2Session>())
            (session.Phase as KeyedPhase)?.Keying.Dispose();
    }
}
