using System.Collections.Immutable;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Kuguru.Cli.Namespaces;
using Kuguru.Crypto;
using Kuguru.Ike;
using Kuguru.Lab;
using Kuguru.Wire;
using Client = Kuguru.Lab.Peer;
using Host = Kuguru.Cli.Namespaces.Host;

namespace Kuguru.Interop;

// Many clients in one process: Kuguru's node and packet path as the simulated network runs them, but their LAN's router is this:
//
//   Peer 10.1.0.20 ──┐ lab
//   Peer 10.1.0.21 ──┼── Uplink ── real UDP sockets on 10.1.0.20..[500], [4500] of one host ── the kernel's NAT ── a real gateway
//   ...              │
//
// The lab's clock follows the real one.

/// <summary>Clients that only differ in address, identity and ports, on one host of a <see cref="RoadWarriors"/> network.</summary>
sealed class Crowd : IDisposable
{
    const int First = 20;
    static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(2);

    readonly World _world = new();
    readonly Uplink _uplink;
    readonly List<Client> _peers = [];

    public Crowd(Host host, int count, Tunnel tunnel, string gateway)
    {
        var lan = new Net(_world, "home");
        lan.Add(AddressRange.Prefix(IpAddress.Parse("10.1.0.0"), 24));
        var addresses = Enumerable.Range(First, count).Select(number => IpAddress.Parse($"10.1.0.{number}")).ToArray();
        host.Ip([.. addresses.Select(address => $"addr add {address}/24 dev eth0")]);
        _uplink = new(_world, lan, host, addresses);
        lan.Router = _uplink;
        for (var number = 1; number <= count; number++)
        {
            var peer = new Client(_world, $"client{number}", lan, address: addresses[number - 1]);
            peer.Node.Credentials.Load(new("psk", Secret.Copy(Encoding.ASCII.GetBytes(tunnel.Secret)), []));
            peer.Load(Connection(number, tunnel, gateway));
            _peers.Add(peer);
        }
    }

    /// <summary>Every client asks for its tunnel at once; what became of each attempt.</summary>
    public IReadOnlyList<Attempt> Up(TimeSpan limit)
    {
        var attempts = _peers.Select(peer => peer.Up("net")).ToArray();
        RunUntil(() => attempts.All(attempt => attempt.IsDone), limit);
        return attempts;
    }

    public IReadOnlyList<string> VirtualAddresses => [.. _peers.SelectMany(peer => peer.VirtualAddresses).Select(address => address.ToString())];

    /// <summary>Every client pings this address once; how many got an answer.</summary>
    public int Ping(string address, TimeSpan limit)
    {
        var pings = _peers.Select(peer => peer.Ping(IpAddress.Parse(address))).ToArray();
        RunUntil(() => pings.All(ping => ping.IsAnswered), limit);
        return pings.Count(ping => ping.IsAnswered);
    }

    /// <summary>Real time passes, for the clients too.</summary>
    public void RunUntil(Func<bool> isSo, TimeSpan limit)
    {
        var begin = Stopwatch.GetTimestamp();
        var last = begin;
        while (!isSo() && Stopwatch.GetElapsedTime(begin) < limit)
        {
            _uplink.Receive(Rest);
            var now = Stopwatch.GetTimestamp();
            _world.RunFor(Stopwatch.GetElapsedTime(last, now));
            last = now;
        }
    }

    public void Dispose()
    {
        _peers.ForEach(peer => peer.Dispose());
        _uplink.Dispose();
    }

    static Connection Connection(int number, Tunnel tunnel, string gateway) => new()
    {
        Name = "home",
        RemoteAddresses = [AddressPattern.Of(IpAddress.Parse(gateway))],
        Proposals = Proposals(tunnel.Ike, ProposalKind.Ike),
        Local = [new() { Id = Identity.Parse($"client{number}.example") }],
        Remote = [new() { Id = Identity.Parse(tunnel.GatewayId) }],
        VirtualAddresses = [IpAddress.AnyV4],
        Children =
        [
            new()
            {
                Name = "net",
                Proposals = Proposals(tunnel.Esp, ProposalKind.Esp),
                LocalSelectors = [SelectorTemplate.Dynamic],
                RemoteSelectors = [new(AddressRange.Prefix(IpAddress.Parse("10.2.0.0"), 24))],
            },
        ],
    };

    static ImmutableArray<AlgorithmSet> Proposals(string keywords, ProposalKind kind) =>
        AlgorithmSet.TryParse(keywords, kind, out var proposals, out var error) ? proposals : throw new FormatException(error);

    /// <summary>The router of the simulated LAN: UDP leaves by, and comes from, real sockets.</summary>
    sealed class Uplink : Device, IDisposable
    {
        readonly Net _lan;
        readonly Dictionary<Endpoint, Socket> _sockets;
        readonly Dictionary<Socket, Endpoint> _endpoints;
        readonly byte[] _buffer = new byte[65536];

        public Uplink(World world, Net lan, Host host, IReadOnlyList<IpAddress> addresses) : base(world, "uplink")
        {
            _lan = lan;
            _sockets = host.Inside(() => addresses.SelectMany(address => new ushort[] { 500, 4500 }.Select(port => new Endpoint(address, port)))
                .ToDictionary(endpoint => endpoint, Open));
            _endpoints = _sockets.ToDictionary(pair => pair.Value, pair => pair.Key);
        }

        public override void Receive(Net from, Packet packet)
        {
            if (packet.Protocol == IpProtocol.Udp)
                _sockets[packet.From].SendTo(packet.Payload.Span, SocketFlags.None, Real(packet.To));
        }

        /// <summary>Waits a moment for what the network has, and puts it on the LAN.</summary>
        public void Receive(TimeSpan rest)
        {
            var ready = _endpoints.Keys.ToList();
            Socket.Select(ready, null, null, rest);
            foreach (var socket in ready)
            {
                while (socket.Available > 0)
                {
                    EndPoint from = new IPEndPoint(IPAddress.Any, 0);
                    var length = socket.ReceiveFrom(_buffer, ref from);
                    _lan.Send(Packet.Udp(Simulated((IPEndPoint)from), _endpoints[socket], Blob.Copy(_buffer.AsSpan(0, length))));
                }
            }
        }

        public void Dispose()
        {
            foreach (var socket in _sockets.Values)
                socket.Dispose();
        }

        static Socket Open(Endpoint endpoint)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            socket.Bind(Real(endpoint));
            return socket;
        }

        static Endpoint Simulated(IPEndPoint endpoint) => new(IpAddress.From(endpoint.Address), (ushort)endpoint.Port);
        static IPEndPoint Real(Endpoint endpoint) => new(new IPAddress(endpoint.Address.ToBytes()), endpoint.Port);
    }
}
