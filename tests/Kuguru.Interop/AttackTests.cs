using System.Net;
using System.Net.Sockets;
using Kuguru.Cli.Namespaces;
using Xunit;

namespace Kuguru.Interop;

/// <summary>A stranger sends what he likes to a gateway with a live tunnel.</summary>
public class AttackTests
{
    const int Count = 100_000;
    const int Seed = 20260801;

    [Fact]
    public void A_hundred_thousand_mutated_datagrams_change_nothing()
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors(clients: 2);
        using var far = Peer.Kuguru.On(world.Gateway);
        using var near = Peer.Kuguru.On(world.Clients[0]);
        far.Load(new Tunnel().ForGateway());
        near.Load(new Tunnel().ForClient(1, world.GatewayAddress));
        using var capture = new Capture(world.Gateway, "eth0", "udp");
        near.Swanctl("--initiate", "--child", "net");
        world.Clients[0].Run("ping", "-c3", "-i0.2", RoadWarriors.Server4);
        near.Swanctl("--rekey", "--child", "net");
        capture.End();
        var originals = capture.Fields("udp", null, "udp.dstport", "udp.payload").Where(row => row[0] is "500" or "4500")
            .Select(row => (Port: int.Parse(row[0]), Bytes: Convert.FromHexString(row[1]))).ToArray();
        Assert.InRange(originals.Length, 6, 100);

        Storm(world, originals, Count / 10);
        var before = Memory(far);
        var (sent, received) = Storm(world, originals, Count);
        Assert.InRange(received, 0, sent);
        world.Clients[0].Run("ping", "-c3", "-i0.2", RoadWarriors.Server4);
        Assert.Equal("client1.example", Assert.Single(far.List(), sa => sa.State == "ESTABLISHED").RemoteId);
        Assert.InRange(Memory(far) - before, long.MinValue, 16_000_000);
        Assert.Equal(0, far.Stop());
    }

    /// <summary>Octets sent and answered.</summary>
    static (long Sent, long Received) Storm(RoadWarriors world, (int Port, byte[] Bytes)[] originals, int count)
    {
        var dice = new Random(Seed);
        using var socket = world.Clients[1].Inside(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        socket.Bind(new IPEndPoint(IPAddress.Any, 0));
        var (sent, received, buffer) = (0L, 0L, new byte[65536]);
        for (var i = 0; i < count; i++)
        {
            var (port, original) = originals[dice.Next(originals.Length)];
            sent += socket.SendTo(Mutate(original, dice), new IPEndPoint(IPAddress.Parse(world.GatewayAddress), port));
            while (socket.Available > 0)
                received += socket.Receive(buffer);
            if (i % 1000 == 0)
                world.Clients[0].Run("ping", "-c1", "-W5", RoadWarriors.Server4);
        }
        while (socket.Poll(TimeSpan.FromMilliseconds(500), SelectMode.SelectRead))
            received += socket.Receive(buffer);
        return (sent, received);
    }

    /// <summary>Some bits turned, or octets replaced, or an end cut off, or noise put on.</summary>
    static byte[] Mutate(byte[] original, Random dice)
    {
        var bytes = original.ToArray();
        for (var changes = dice.Next(4); changes >= 0; changes--)
        {
            var at = dice.Next(bytes.Length);
            switch (dice.Next(4))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << dice.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)dice.Next(256);
                    break;
                case 2:
                    bytes = bytes[..Math.Max(1, at)];
                    break;
                case 3:
                    bytes = [.. bytes, .. new byte[dice.Next(32)]];
                    break;
            }
        }
        return bytes;
    }

    /// <summary>Resident octets.</summary>
    static long Memory(IkeDaemon daemon)
    {
        var status = daemon.Host.Run("cat", $"/proc/{daemon.Job.Pid}/status");
        var line = status.Split('\n').Single(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return 1024 * long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]);
    }
}
