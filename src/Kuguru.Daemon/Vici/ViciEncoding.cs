using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Kuguru.Daemon.Vici;

/// <summary>Why octets are not a VICI packet or message.</summary>
public enum ViciError
{
    None,
    /// <summary>A length reaches beyond the end.</summary>
    Truncated,
    UnknownOperation,
    UnknownElement,
    /// <summary>A name is not printable ASCII.</summary>
    BadName,
    ItemOutsideList,
    NotAnItemInsideList,
    UnclosedList,
    SectionEndWithoutStart,
    UnclosedSection,
    NestedTooDeep,
    /// <summary>A packet that has no message is followed by octets.</summary>
    TrailingOctets,
}

/// <summary>
/// The encoding of messages: a type octet, then a name with an 8-bit length for sections, values and lists, then a value with a
/// 16-bit length for values and list items. Sections nest, lists do not.
/// </summary>
public static class ViciEncoding
{
    public const int MaxName = 255;
    public const int MaxValue = 65535;

    /// <summary>Ours: no message of charon nests deeper than five.</summary>
    public const int MaxDepth = 32;

    const byte SectionStart = 1, SectionEnd = 2, KeyValue = 3, ListStart = 4, ListItem = 5, ListEnd = 6;

    /// <summary>Parses a whole message; values refer to <paramref name="bytes"/>.</summary>
    public static bool TryParse(ReadOnlyMemory<byte> bytes, [NotNullWhen(true)] out ViciMessage? message, out ViciError error)
    {
        var reader = new Reader(bytes);
        error = reader.ReadMessage(out var root);
        message = error == ViciError.None ? root : null;
        return message is not null;
    }

    /// <summary>Appends a message. A name or value that does not fit the format is a bug of the caller.</summary>
    public static void Write(ViciMessage message, IBufferWriter<byte> output)
    {
        foreach (var element in message)
        {
            switch (element)
            {
                case ViciElement.Value value:
                    WriteName(output, KeyValue, value.Name);
                    WriteValue(output, value.Bytes.Span);
                    break;
                case ViciElement.List list:
                    WriteName(output, ListStart, list.Name);
                    foreach (var item in list.Items)
                    {
                        output.Write([ListItem]);
                        WriteValue(output, item.Span);
                    }
                    output.Write([ListEnd]);
                    break;
                case ViciElement.Section section:
                    WriteName(output, SectionStart, section.Name);
                    Write(section.Body, output);
                    output.Write([SectionEnd]);
                    break;
            }
        }
    }

    /// <summary>Whether text can be a name: at most 255 printable ASCII characters.</summary>
    public static bool IsName(string text) => text.Length <= MaxName && text.All(c => c is >= ' ' and <= '~');

    internal static void WriteName(IBufferWriter<byte> output, byte type, string name)
    {
        if (!IsName(name))
            throw new ArgumentException($"'{name}' cannot be a name in a VICI message: at most {MaxName} printable ASCII characters", nameof(name));
        output.Write([type, (byte)name.Length]);
        Encoding.ASCII.GetBytes(name, output);
    }

    /// <summary>No value is longer than the encoding has room for.</summary>
    public static bool Fits(ViciMessage message) => message.All(element => element switch
    {
        ViciElement.Value value => value.Bytes.Length <= MaxValue,
        ViciElement.List list => list.Items.All(item => item.Length <= MaxValue),
        ViciElement.Section section => Fits(section.Body),
        _ => throw new ArgumentOutOfRangeException(nameof(message)),
    });

    static void WriteValue(IBufferWriter<byte> output, ReadOnlySpan<byte> value)
    {
        if (value.Length > MaxValue)
            throw new ArgumentException($"a value of {value.Length} octets does not fit a VICI message", nameof(value));
        BinaryPrimitives.WriteUInt16BigEndian(output.GetSpan(2), (ushort)value.Length);
        output.Advance(2);
        output.Write(value);
    }

    /// <summary>A cursor; every read says whether there was enough.</summary>
    internal struct Reader(ReadOnlyMemory<byte> rest)
    {
        ReadOnlyMemory<byte> _rest = rest;

        public readonly bool AtEnd => _rest.IsEmpty;

        public bool TryByte(out byte value)
        {
            value = _rest.IsEmpty ? (byte)0 : _rest.Span[0];
            return TryTake(1, out _);
        }

        public ViciError ReadName(out string name)
        {
            name = "";
            if (!TryByte(out var length) || !TryTake(length, out var bytes))
                return ViciError.Truncated;
            if (bytes.Span.ContainsAnyExceptInRange((byte)' ', (byte)'~'))
                return ViciError.BadName;
            name = Encoding.ASCII.GetString(bytes.Span);
            return ViciError.None;
        }

        public ViciError ReadMessage(out ViciMessage root)
        {
            root = [];
            var open = new Stack<ViciMessage>();
            var current = root;
            while (TryByte(out var type))
            {
                var error = type switch
                {
                    SectionStart => ReadSection(open, ref current),
                    SectionEnd => open.TryPop(out current!) ? ViciError.None : ViciError.SectionEndWithoutStart,
                    KeyValue => ReadKeyValue(current),
                    ListStart => ReadList(current),
                    ListItem or ListEnd => ViciError.ItemOutsideList,
                    _ => ViciError.UnknownElement,
                };
                if (error != ViciError.None)
                    return error;
            }
            return open.Count == 0 ? ViciError.None : ViciError.UnclosedSection;
        }

        ViciError ReadSection(Stack<ViciMessage> open, ref ViciMessage current)
        {
            if (open.Count == MaxDepth)
                return ViciError.NestedTooDeep;
            var error = ReadName(out var name);
            if (error != ViciError.None)
                return error;
            ViciMessage body = [];
            current.Add(name, body);
            open.Push(current);
            current = body;
            return ViciError.None;
        }

        ViciError ReadKeyValue(ViciMessage section)
        {
            var error = ReadName(out var name);
            if (error != ViciError.None)
                return error;
            if (!TryValue(out var value))
                return ViciError.Truncated;
            section.Add(name, value);
            return ViciError.None;
        }

        ViciError ReadList(ViciMessage section)
        {
            var error = ReadName(out var name);
            if (error != ViciError.None)
                return error;
            var items = new List<ReadOnlyMemory<byte>>();
            while (TryByte(out var type))
            {
                switch (type)
                {
                    case ListItem when TryValue(out var item):
                        items.Add(item);
                        break;
                    case ListItem:
                        return ViciError.Truncated;
                    case ListEnd:
                        section.Add(new ViciElement.List(name, items));
                        return ViciError.None;
                    default:
                        return ViciError.NotAnItemInsideList;
                }
            }
            return ViciError.UnclosedList;
        }

        bool TryValue(out ReadOnlyMemory<byte> value)
        {
            value = default;
            return TryTake(2, out var length) && TryTake(BinaryPrimitives.ReadUInt16BigEndian(length.Span), out value);
        }

        bool TryTake(int count, out ReadOnlyMemory<byte> taken)
        {
            taken = default;
            if (_rest.Length < count)
                return false;
            taken = _rest[..count];
            _rest = _rest[count..];
            return true;
        }

        internal readonly ReadOnlyMemory<byte> Rest => _rest;
    }
}
