using Kuguru.Engine;
using Kuguru.Ike;
using Kuguru.Tests.Ike;

namespace Kuguru.Tests.Engine;

/// <summary>Two whole nodes on a wire with latency, and time that jumps. What one orders is answered as a host with a route would.</summary>
sealed class NodePair
{
    readonly PriorityQueue<(Path Path, Blob Bytes, Side To), (Instant, long)> _flying = new();
    long _sent;

    public NodePair(Func<Connection, Connection>? moon = null, Func<Connection, Connection>? sun = null, IkeSettings? sunSettings = null)
    {
        Moon = new(this, "192.0.2.1", new IkeSettings(), 1);
        Sun = new(this, "192.0.2.2", sunSettings ?? new(), 2);
        Moon.Load(Change(moon, Configs.Connection("moon.example.org", "sun.example.org",
            Configs.Child("net", "10.1.0.0/16", "10.2.0.0/16"), Configs.Child("more", "10.3.0.0/16", "10.4.0.0/16")) with
        { RemoteAddresses = [AddressPattern.Of(Sun.Address)] }));
        Sun.Load(Change(sun, Configs.Connection("sun.example.org", "moon.example.org",
            Configs.Child("net", "10.2.0.0/16", "10.1.0.0/16"), Configs.Child("more", "10.4.0.0/16", "10.3.0.0/16")) with
        { RemoteAddresses = [AddressPattern.Of(Moon.Address)] }));
    }

    public Side Moon { get; }
    public Side Sun { get; }
    public Instant Now { get; private set; } = new(1_000_000_000);

    /// <summary>What is lost, seen from the sender; nothing by default.</summary>
    public Func<Side, Blob, bool> Loses { get; set; } = (_, _) => false;

    public NodePair Up()
    {
        Moon.Order(token => new Order.Initiate(token, "gw", "net"));
        Run(2);
        return this;
    }

    public void Run(double seconds)
    {
        var end = Now + TimeSpan.FromSeconds(seconds);
        while (Next() is { } next && next <= end)
        {
            Now = next > Now ? next : Now;
            if (_flying.TryPeek(out var flying, out var at) && at.Item1 <= Now)
            {
                _flying.Dequeue();
                flying.To.Receive(flying.Path, flying.Bytes);
                continue;
            }
            Moon.Tick();
            Sun.Tick();
        }
        Now = end;
    }

    /// <summary>Somebody's datagram, as if it had been on its way for almost as long as any.</summary>
    public void Deliver(Side to, Path path, Blob bytes) => _flying.Enqueue((path, bytes, to), (Now + TimeSpan.FromMilliseconds(10), _sent++));

    void Send(Side from, Path path, Blob bytes)
    {
        if (!Loses(from, bytes))
            _flying.Enqueue((new(path.Remote, path.Local), bytes, from == Moon ? Sun : Moon), (Now + TimeSpan.FromMilliseconds(50), _sent++));
    }

    Instant? Next() => Instant.Earliest(_flying.TryPeek(out _, out var first) ? first.Item1 : null, Instant.Earliest(Moon.Node.Deadline, Sun.Node.Deadline));

    static Connection Change(Func<Connection, Connection>? change, Connection connection) => change is null ? connection : change(connection);

    /// <summary>One of the two, and its surroundings.</summary>
    public sealed class Side
    {
        readonly NodePair _pair;
        readonly Outbox _outbox = new();
        ulong _lastToken;

        public Side(NodePair pair, string address, IkeSettings settings, int seed)
        {
            (_pair, Address, Node) = (pair, IpAddress.Parse(address), new Node(settings, new SeededDice(seed), WallClock.From(new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero))));
            Node.Credentials.Load(Configs.Key("secret"));
        }

        /// <summary>It may move, and says nothing of it.</summary>
        public IpAddress Address { get; set; }
        public Node Node { get; }
        public List<Event> Events { get; } = [];
        public IEnumerable<IkeSaStatus> Sas => Node.Status(_pair.Now);
        public IEnumerable<string> Failures => Events.OfType<Event.Failed>().Select(failed => failed.Failure.Sentence);

        /// <summary>Searches for a path are kept here instead of being answered.</summary>
        public List<Effect.FindPath>? Searches { get; set; }

        public List<Effect> Effects { get; } = [];

        public void Unload(string connection) => Do(outbox => Node.Unload(_pair.Now, connection, outbox));

        public void Load(Connection connection) => Do(outbox => Node.Load(_pair.Now, connection, outbox));

        /// <summary>The token by which <see cref="Outcome"/> knows it.</summary>
        public ulong Order(Func<ulong, Order> order)
        {
            var token = ++_lastToken;
            Tell(order(token));
            return token;
        }

        public void Tell(Order order) => Do(outbox => Node.Command(_pair.Now, order, outbox));
        public Failure? Outcome(ulong token) => Events.OfType<Event.OrderDone>().Single(done => done.Token == token).Failure;
        public bool IsDone(ulong token) => Events.OfType<Event.OrderDone>().Any(done => done.Token == token);
        public void Receive(Path path, Blob bytes) => Do(outbox => Node.Receive(_pair.Now, new Datagram(path, bytes.Span), outbox));
        public void Tick() => Do(outbox => Node.Tick(_pair.Now, outbox));

        void Do(Action<Outbox> turn)
        {
            turn(_outbox);
            var effects = _outbox.Effects.ToList();
            _outbox.Clear();
            foreach (var effect in effects)
                Obey(effect);
        }

        void Obey(Effect effect)
        {
            if (effect is Effect.Transmit transmit)
                _pair.Send(this, transmit.Path, transmit.Bytes);
            else if (effect is Effect.Report report)
                Events.Add(report.Event);
            else if (effect is Effect.FindPath find && Searches is { } searches)
                searches.Add(find);
            else if (effect is Effect.FindPath question)
                Tell(new Order.PathFound(question.Request, new(new(Address, 0), new(question.Connection.RemoteAddresses[0].Single!.Value, 0)), ""));
            else
                Effects.Add(effect);
        }
    }
}
