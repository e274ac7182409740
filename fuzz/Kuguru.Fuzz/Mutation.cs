namespace Kuguru.Fuzz;

/// <summary>Makes bad inputs of good ones, the same ones for the same seed.</summary>
sealed class Mutation(int seed)
{
    static readonly byte[] _telling = [0, 1, 2, 3, 4, 7, 8, 0x20, 0x7F, 0x80, 0xFE, 0xFF];

    readonly Random _random = new(seed);

    public byte[] Of(Target target)
    {
        var bytes = new List<byte>(target.Seeds[_random.Next(target.Seeds.Length)]);
        for (var i = _random.Next(1, 7); i > 0; i--)
            Change(bytes, target.Seeds);
        var input = bytes.ToArray();
        if (_random.Next(8) > 0)
            target.Mend(input);
        return input;
    }

    void Change(List<byte> bytes, byte[][] seeds)
    {
        var at = _random.Next(bytes.Count + 1);
        var some = Math.Min(bytes.Count - at, _random.Next(1, 20));
        switch (_random.Next(7))
        {
            case 0 when at < bytes.Count:
                bytes[at] ^= (byte)(1 << _random.Next(8));
                break;
            case 1 when at < bytes.Count:
                bytes[at] = _telling[_random.Next(_telling.Length)];
                break;
            case 2:
                bytes.RemoveRange(at, some);
                break;
            case 3:
                bytes.InsertRange(at, bytes.GetRange(at, some));
                break;
            case 4:
                bytes.Insert(at, (byte)_random.Next());
                break;
            case 5 when _random.Next(4) == 0:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            case 6:
                var other = seeds[_random.Next(seeds.Length)];
                var from = _random.Next(other.Length + 1);
                bytes.InsertRange(at, other.AsSpan(from, Math.Min(other.Length - from, _random.Next(1, 60))).ToArray());
                break;
        }
    }
}
