using Kuguru.Ike;

namespace Kuguru.Tests.Ike;

/// <summary>What both versions' tests do to messages that nobody meant to be as they are.</summary>
static class Spoiling
{
    /// <summary>Every child and every IKE SA of a host; the orders for IKE SAs have <paramref name="token"/> and ten more.</summary>
    public static void Rekey(Pair pair, Host host, ulong token)
    {
        foreach (var session in host.Sessions.Where(session => session.State == IkeState.Established).ToList())
        {
            foreach (var child in session.Status(pair.World.Now).Children.Where(child => child.State == ChildState.Installed))
                session.RekeyChild(pair.World.Now, child.UniqueId, token, host.Outbox);
            session.RekeyIke(pair.World.Now, token + 10, host.Outbox);
        }
        host.Obey();
    }

    /// <summary>A stranger at another address sends spoiled copies of what was seen.</summary>
    public static void Pester(Pair pair, List<(Host To, Path Path, Blob Bytes)> seen, Random random, int times)
    {
        for (var i = 0; i < times && seen.Count > 0; i++)
        {
            var (to, path, bytes) = seen[random.Next(seen.Count)];
            to.Receive(new Path(path.Remote with { Address = to.Address }, new(IpAddress.Parse("198.51.100.66"), (ushort)random.Next(65536))), Mutate(bytes, random));
        }
    }

    /// <summary>One to three changes: a bit, an octet, some octets less, one more, or an end that is too early.</summary>
    public static byte[] Mutate(Blob bytes, Random random)
    {
        var copy = bytes.ToArray().ToList();
        for (var changes = random.Next(1, 4); changes > 0 && copy.Count > 0; changes--)
        {
            var at = random.Next(copy.Count);
            switch (random.Next(5))
            {
                case 0:
                    copy[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    copy[at] = (byte)random.Next(256);
                    break;
                case 2:
                    copy.RemoveRange(at, random.Next(Math.Min(16, copy.Count - at)));
                    break;
                case 3:
                    copy.Insert(at, (byte)random.Next(256));
                    break;
                default:
                    copy = copy[..at];
                    break;
            }
        }
        return [.. copy];
    }
}
