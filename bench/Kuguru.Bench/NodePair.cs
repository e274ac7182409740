using System.Collections.Immutable;
using Kuguru.Crypto;
using Kuguru.Engine;
using Kuguru.Ike;
using Kuguru.Linux;

namespace Kuguru.Bench;

/// <summary>
/// A client's and a gateway's <see cref="Node"/> with nothing between them: what one sends, the other receives at once, on the calling
/// thread. Pre-shared keys, one virtual address, one child with AES-128-GCM. Keys of child SAs are wiped, not installed.
/// </summary>
sealed class NodePair
{
    const string Child = "net";

    static readonly Path _path = new(new(IpAddress.Parse("198.51.100.2"), 500), new(IpAddress.Parse("192.0.2.2"), 500));

    readonly Node _client = new(new(), SystemDice.Instance, new SystemWallClock()), _gateway = new(new(), SystemDice.Instance, new SystemWallClock());
    readonly Outbox _clientOutbox = new(), _gatewayOutbox = new();
    readonly Queue<Effect.Transmit> _toGateway = new(), _toClient = new();
    Instant _now = new(1);
    ulong _token;
    bool _done;

    /// <param name="ike">The IKE suite in strongSwan's proposal keywords.</param>
    /// <exception cref="FormatException">It is none.</exception>
    public NodePair(string ike)
    {
        AddressRange office = AddressRange.Prefix(IpAddress.Parse("10.2.0.0"), 24), pool = AddressRange.Prefix(IpAddress.Parse("10.3.0.0"), 24);
        foreach (var node in new[] { _client, _gateway })
            node.Credentials.Load(new("psk", Secret.Copy("correct horse battery staple"u8), []));
        _gateway.Pools.Load(new() { Name = "rw", Addresses = pool });
        _gateway.Load(_now, Connection(ike, "gw.example", "client.example", new(office), SelectorTemplate.Dynamic) with { Pools = ["rw"] }, _gatewayOutbox);
        _client.Load(_now, Connection(ike, "client.example", "gw.example", SelectorTemplate.Dynamic, new(office)) with
        {
            RemoteAddresses = [AddressPattern.Of(_path.Remote.Address)],
            VirtualAddresses = [IpAddress.AnyV4],
        }, _clientOutbox);
    }

    /// <summary>What the gateway alone worked so far, by <see cref="ThreadClock"/>.</summary>
    public TimeSpan GatewayTime { get; private set; }

    /// <summary>IKE_SA_INIT and IKE_AUTH: one IKE SA and one child at both ends.</summary>
    public void Up() => Order(token => new Order.Initiate(token, null, Child));

    /// <summary>INFORMATIONAL with DELETE: both ends forget.</summary>
    public void Down() => Order(token => new Order.Terminate(token, new()));

    void Order(Func<ulong, Order> make)
    {
        _done = false;
        _now += TimeSpan.FromMilliseconds(1);
        _client.Command(_now, make(++_token), _clientOutbox);
        ObeyClient();
        while (true)
        {
            if (_toGateway.TryDequeue(out var sent))
            {
                var begin = ThreadClock.Now;
                _gateway.Receive(_now, new(Turned(sent.Path), sent.Bytes.Span), _gatewayOutbox);
                GatewayTime += ThreadClock.Now - begin;
                Obey(_gatewayOutbox, _toClient);
            }
            else if (_toClient.TryDequeue(out sent))
            {
                _client.Receive(_now, new(Turned(sent.Path), sent.Bytes.Span), _clientOutbox);
                ObeyClient();
            }
            else
                break;
        }
        if (!_done)
            throw new InvalidOperationException("the nodes have nothing more to say, and the order is not done");
    }

    void ObeyClient()
    {
        while (Obey(_clientOutbox, _toGateway) is { } question)
            _client.Command(_now, new Order.PathFound(question.Request, _path, ""), _clientOutbox);
    }

    /// <summary>Where it should send to, if the node wants to know.</summary>
    Effect.FindPath? Obey(Outbox outbox, Queue<Effect.Transmit> wire)
    {
        Effect.FindPath? question = null;
        foreach (var effect in outbox.Effects)
        {
            switch (effect)
            {
                case Effect.Transmit transmit:
                    wire.Enqueue(transmit);
                    break;
                case Effect.FindPath find:
                    question = find;
                    break;
                case Effect.InstallSa install:
                    install.Sa.InboundKeys.Dispose();
                    install.Sa.OutboundKeys.Dispose();
                    break;
                case Effect.Report { Event: Event.OrderDone done } when done.Token == _token:
                    _done = done.Failure is null ? true : throw new InvalidOperationException(done.Failure.Sentence);
                    break;
            }
        }
        outbox.Clear();
        return question;
    }

    static Path Turned(Path path) => new(path.Remote, path.Local);

    static Connection Connection(string ike, string local, string remote, SelectorTemplate localSelector, SelectorTemplate remoteSelector) => new()
    {
        Name = "rw",
        Proposals = Proposals(ike, ProposalKind.Ike),
        Local = [new() { Id = Identity.Parse(local) }],
        Remote = [new() { Id = Identity.Parse(remote) }],
        Children =
        [
            new() { Name = Child, Proposals = Proposals("aes128gcm16", ProposalKind.Esp), LocalSelectors = [localSelector], RemoteSelectors = [remoteSelector] },
        ],
    };

    static ImmutableArray<AlgorithmSet> Proposals(string keywords, ProposalKind kind) =>
        AlgorithmSet.TryParse(keywords, kind, out var proposals, out var error) ? proposals : throw new FormatException(error);
}
