using System.Net;
using System.Net.Sockets;
using System.Text;
using Kuguru.Cli;
using Kuguru.Cli.Namespaces;
using Xunit;

namespace Kuguru.Interop;

/// <summary>
/// Several transport-mode clients behind one NAT, all with the same source ports to the same services (<c>same-nat</c>): what strongSwan's
/// host2host-transport-nat shows not to work.
/// </summary>
public class SameNatTests
{
    const int TcpPort = 4433, UdpPort = 5005, L2tp = 1701, SourcePort = 40000;
    const string Server = "192.0.2.2";

    /// <summary>Those with odd numbers speak IKEv2, the others IKEv1. The last host behind the NAT has no daemon.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(20)]
    public void Clients_behind_one_nat_use_the_same_ports_at_the_same_time(int count)
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors(clients: count + 1);
        using var far = Peer.Kuguru.On(world.Gateway);
        var daemons = new IkeDaemon[count];
        try
        {
            OnEach(count, client => daemons[client] = Peer.Kuguru.On(world.Clients[client]));
            var children = Up(far, daemons, child: "");
            Assert.Equal(Enumerable.Repeat("192.0.2.1/32", count), children.Values.Select(child => Assert.Single(child.RemoteSelectors)));
            Assert.Equal(count, children.Values.Select(child => Assert.Single(child.StandIns)).Distinct().Count());

            using var services = new Services(world.Gateway);
            var conversations = Enumerable.Range(0, count).Select(client => new Conversation(world.Clients[client], client + 1)).ToList();
            // All are open at once before any says a word, and all speak at once.
            conversations.ForEach(conversation => conversation.Connect());
            OnEach(count, client => conversations[client].AskTcp(length: 200_000));
            conversations.ForEach(conversation => conversation.AskUdp(UdpPort));
            conversations.ForEach(conversation => conversation.HearUdp());
            conversations.ForEach(conversation => conversation.AskUdp(L2tp));
            conversations.ForEach(conversation => conversation.HearUdp());
            OnEach(count, client => conversations[client].AskTcp(length: 10));
            conversations.ForEach(conversation => conversation.Dispose());

            // To the host's applications everybody has an address, and can be called by it.
            Assert.Equal(children.Values.Select(child => child.StandIns[0].Split(" as ")[1].Split('/')[0]).Order(), services.TcpPeers.Order());
            foreach (var peer in services.TcpPeers.Take(2))
                world.Gateway.Run("ping", "-c1", "-W5", peer);

            // A neighbour without an SA is answered in the clear, as before, while the others talk.
            var neighbour = world.Clients[count];
            neighbour.Run("ping", "-c2", "-i0.2", "-W5", Server);
            using var clear = new Conversation(neighbour, count + 1);
            clear.Connect();
            clear.AskTcp(length: 10);
            clear.AskUdp(UdpPort);
            clear.HearUdp();
            Assert.Contains("192.0.2.1", services.TcpPeers);
            world.Clients[0].Run("ping", "-c1", "-W5", Server);
            // Nobody listens on port 9: the error comes to who asked.
            foreach (var client in (int[])[0, count - 1])
                Assert.Equal(SocketError.ConnectionRefused, Refusal(world.Clients[client], new(IPAddress.Parse(Server), 9)));

            // All again, as L2TP makes them: udp/1701 to udp/1701. Who comes back is seen as before.
            OnEach(count, client => daemons[client].Swanctl("--terminate", "--ike", "host"));
            var again = Up(far, daemons, TransportHosts.L2tp);
            Assert.Equal(Enumerable.Repeat("192.0.2.1/32[udp/l2f]", count), again.Values.Select(child => Assert.Single(child.RemoteSelectors)));
            Assert.All(again, pair => Assert.Equal(children[pair.Key].StandIns, pair.Value.StandIns));
            var calls = Enumerable.Range(0, count).Select(client => new Conversation(world.Clients[client], client + 1)).ToList();
            calls.ForEach(call => call.AskUdp(L2tp));
            calls.ForEach(call => call.HearUdp());
            Assert.All(far.List().SelectMany(sa => sa.Children), child => Assert.Equal((1ul, 1ul), (child.PacketsIn, child.PacketsOut)));
            calls.ForEach(call => call.Dispose());
        }
        finally
        {
            Parallel.ForEach(daemons, daemon => daemon?.Dispose());
        }
    }

    /// <summary>Brings everybody's tunnel up; the gateway's children by the peers' names.</summary>
    static Dictionary<string, SaChild> Up(IkeDaemon far, IReadOnlyList<IkeDaemon> daemons, string child)
    {
        far.Load(TransportHosts.Server(child, daemons.Count));
        OnEach(daemons.Count, client =>
        {
            daemons[client].Load(TransportHosts.Client(client + 1, Server, child, version: 2 - client % 2));
            daemons[client].Swanctl("--initiate", "--child", "host", "--timeout", "20");
        });
        var up = far.List();
        Assert.Equal(daemons.Count, up.Count);
        Assert.All(up, sa => Assert.Equal("TRANSPORT", Assert.Single(sa.Children).Mode));
        Assert.Equal(["1", "2"], up.Select(sa => sa.Version).Distinct().Order());
        return up.ToDictionary(sa => sa.RemoteId, sa => sa.Children.Single());
    }

    static void OnEach(int count, Action<int> act) => Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = 4 }, act);

    [Fact]
    public void An_exhausted_range_is_refused_by_name_and_a_colliding_one_at_the_start()
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors(clients: 2);
        using var far = Peer.Kuguru.On(world.Gateway, "stand_in_ranges = 10.2.0.0/24, 198.18.0.1/32");
        Assert.Contains("charon.stand_in_ranges: 10.2.0.0/24 collides with route", far.Log);
        far.Load(TransportHosts.Server(clients: 2));
        using var one = Peer.Kuguru.On(world.Clients[0]);
        using var two = Peer.Kuguru.On(world.Clients[1]);
        one.Load(TransportHosts.Client(1, Server));
        two.Load(TransportHosts.Client(2, Server));
        one.Swanctl("--initiate", "--child", "host");
        var refused = two.TrySwanctl("--initiate", "--child", "host");
        Assert.NotEqual(0, refused.Status);
        Assert.Contains("charon.stand_in_ranges (198.18.0.1/32) is exhausted: set a larger one", far.Log);
        Assert.Equal(["192.0.2.1/32 as 198.18.0.1/32"], far.List().SelectMany(sa => sa.Children).Single().StandIns);
        world.Clients[0].Run("ping", "-c1", "-W5", Server);
    }

    /// <summary>An ICMP error that belongs to a datagram of ours is what the next call says.</summary>
    static SocketError Refusal(Host host, IPEndPoint to)
    {
        using var socket = host.Inside(() => Udp.Bound(new(IPAddress.Any, SourcePort)));
        socket.Connect(to);
        socket.Send("anybody?"u8);
        try
        {
            socket.Receive(new byte[16]);
            return SocketError.Success;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode;
        }
    }

    /// <summary>One client's sockets, with the ports that every client has; what comes back has to be what was said.</summary>
    sealed class Conversation(Host host, int number) : IDisposable
    {
        readonly Socket _tcp = host.Inside(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 10_000 });
        Socket? _udp;

        public void Connect()
        {
            _tcp.Bind(new IPEndPoint(IPAddress.Any, SourcePort));
            Assert.True(_tcp.ConnectAsync(new IPEndPoint(IPAddress.Parse(Server), TcpPort)).Wait(TimeSpan.FromSeconds(10)), $"client {number} cannot connect");
        }

        public void AskTcp(int length)
        {
            var octets = new byte[length];
            new Random(number).NextBytes(octets);
            var said = $"tcp {number} {Convert.ToHexString(octets)}";
            using var stream = new NetworkStream(_tcp);
            using var reader = new StreamReader(stream, Encoding.ASCII);
            _tcp.Send(Encoding.ASCII.GetBytes(said + "\n"));
            Assert.True($"{said} and back" == reader.ReadLine(), $"client {number} hears something else than it has said");
        }

        public void AskUdp(int port)
        {
            _udp = host.Inside(() => Udp.Bound(new(IPAddress.Any, port == L2tp ? L2tp : SourcePort)));
            _udp.SendTo(Encoding.ASCII.GetBytes($"udp {number}"), new IPEndPoint(IPAddress.Parse(Server), port));
        }

        public void HearUdp()
        {
            Assert.Equal($"udp {number} and back", Udp.Receive(_udp!).Text);
            _udp!.Dispose();
        }

        public void Dispose() => _tcp.Dispose();
    }

    /// <summary>One TCP and two UDP services that answer "... and back" to whoever asks, and remember from where.</summary>
    sealed class Services : IDisposable
    {
        readonly Socket _listener;
        readonly List<Socket> _sockets = [];
        readonly HashSet<string> _tcpPeers = [];

        public Services(Host host)
        {
            _listener = host.Inside(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
            _listener.Bind(new IPEndPoint(IPAddress.Any, TcpPort));
            _listener.Listen(100);
            Run(Accept);
            foreach (var port in (int[])[UdpPort, L2tp])
            {
                // Bound to the address: what it says comes from there.
                var socket = host.Inside(() => Udp.Bound(new(IPAddress.Parse(Server), port)));
                socket.ReceiveTimeout = 0;
                _sockets.Add(socket);
                Run(() => Echo(socket));
            }
        }

        public IReadOnlyCollection<string> TcpPeers
        {
            get
            {
                lock (_tcpPeers)
                    return [.. _tcpPeers];
            }
        }

        public void Dispose()
        {
            _listener.Dispose();
            lock (_sockets)
                _sockets.ForEach(socket => socket.Dispose());
        }

        /// <summary>Until its socket is closed.</summary>
        static void Run(Action work) => Task.Factory.StartNew(() =>
        {
            try
            {
                work();
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return;
            }
        }, TaskCreationOptions.LongRunning);

        void Accept()
        {
            while (true)
            {
                var socket = _listener.Accept();
                lock (_tcpPeers)
                    _tcpPeers.Add($"{((IPEndPoint)socket.RemoteEndPoint!).Address}");
                lock (_sockets)
                    _sockets.Add(socket);
                Run(() => Answer(socket));
            }
        }

        static void Answer(Socket socket)
        {
            using var stream = new NetworkStream(socket);
            using var reader = new StreamReader(stream, Encoding.ASCII);
            while (reader.ReadLine() is { } line)
                socket.Send(Encoding.ASCII.GetBytes($"{line} and back\n"));
        }

        static void Echo(Socket socket)
        {
            while (true)
            {
                var (text, from) = Udp.Receive(socket);
                socket.SendTo(Encoding.ASCII.GetBytes($"{text} and back"), from);
            }
        }
    }
}
