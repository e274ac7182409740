using System.Net;
using System.Net.Sockets;
using System.Text;
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

    [Theory]
    [InlineData(2)]
    [InlineData(20)]
    public void Clients_behind_one_nat_use_the_same_ports_at_the_same_time(int count)
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors(clients: count + 1);
        using var far = Peer.Kuguru.On(world.Gateway);
        far.Load(TransportHosts.Server(clients: count));
        var daemons = new IkeDaemon[count];
        try
        {
            Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = 4 }, client =>
            {
                daemons[client] = Peer.Kuguru.On(world.Clients[client]);
                daemons[client].Load(TransportHosts.Client(client + 1, Server));
                daemons[client].Swanctl("--initiate", "--child", "host", "--timeout", "20");
            });
            var children = far.List().SelectMany(sa => sa.Children).ToList();
            Assert.Equal(count, children.Count);
            Assert.All(children, child => Assert.Equal(("TRANSPORT", "192.0.2.1/32"), (child.Mode, Assert.Single(child.RemoteSelectors))));
            Assert.Equal(count, children.Select(child => Assert.Single(child.StandIns)).Distinct().Count());

            using var services = new Services(world.Gateway);
            var conversations = Enumerable.Range(0, count).Select(client => new Conversation(world.Clients[client], client + 1)).ToList();
            // All are open at once before any says a word.
            conversations.ForEach(conversation => conversation.Connect());
            Assert.All(conversations, conversation => Assert.Equal($"tcp {conversation.Number} and back", conversation.AskTcp()));
            Assert.All(conversations, conversation => Assert.Equal($"udp {conversation.Number} and back", conversation.AskUdp(UdpPort)));
            Assert.All(conversations, conversation => Assert.Equal($"udp {conversation.Number} and back", conversation.AskUdp(L2tp)));
            Assert.All(conversations, conversation => Assert.Equal($"tcp {conversation.Number} and back", conversation.AskTcp()));
            conversations.ForEach(conversation => conversation.Dispose());

            // To the host's applications everybody has an address, and can be called by it.
            Assert.Equal(count, services.TcpPeers.Distinct().Count());
            Assert.Equal(children.Select(child => child.StandIns[0].Split(" as ")[1].Split('/')[0]).Order(), services.TcpPeers.Order());
            world.Gateway.Run("ping", "-c1", "-W5", services.TcpPeers.First());

            // A neighbour without an SA is answered in the clear, as before, while the others talk.
            var neighbour = world.Clients[count];
            neighbour.Run("ping", "-c2", "-i0.2", "-W5", Server);
            using var clear = new Conversation(neighbour, count + 1);
            clear.Connect();
            Assert.Equal($"tcp {count + 1} and back", clear.AskTcp());
            Assert.Equal($"udp {count + 1} and back", clear.AskUdp(UdpPort));
            Assert.Contains("192.0.2.1", services.TcpPeers);
            world.Clients[0].Run("ping", "-c1", "-W5", Server);
            // Nobody listens on port 9: the error comes to who asked.
            Assert.Equal(SocketError.ConnectionRefused, Refusal(world.Clients[count - 1], new(IPAddress.Parse(Server), 9)));
        }
        finally
        {
            Parallel.ForEach(daemons, daemon => daemon?.Dispose());
        }
    }

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

    /// <summary>One client's sockets, with the ports that every client has.</summary>
    sealed class Conversation(Host host, int number) : IDisposable
    {
        readonly Socket _tcp = host.Inside(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 10_000 });

        public int Number => number;

        public void Connect()
        {
            _tcp.Bind(new IPEndPoint(IPAddress.Any, SourcePort));
            Assert.True(_tcp.ConnectAsync(new IPEndPoint(IPAddress.Parse(Server), TcpPort)).Wait(TimeSpan.FromSeconds(10)), $"client {number} cannot connect");
        }

        public string AskTcp()
        {
            _tcp.Send(Encoding.ASCII.GetBytes($"tcp {number}\n"));
            var answer = new StringBuilder();
            var octet = new byte[1];
            while (_tcp.Receive(octet) == 1 && octet[0] != '\n')
                answer.Append((char)octet[0]);
            return answer.ToString();
        }

        public string AskUdp(int port)
        {
            using var socket = host.Inside(() => Udp.Bound(new(IPAddress.Any, port == L2tp ? L2tp : SourcePort)));
            socket.SendTo(Encoding.ASCII.GetBytes($"udp {number}"), new IPEndPoint(IPAddress.Parse(Server), port));
            return Udp.Receive(socket).Text;
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
